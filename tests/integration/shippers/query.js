// Asks a server's indices with OpenSearch's own client, page by page, and prints what came.
// argv: node, index pattern, name of an executable.
"use strict";
const [node, index, name] = process.argv.slice(2);
const { Client } = require("@opensearch-project/opensearch");

async function main() {
  const client = new Client({ node });
  const count = (await client.count({ index })).body.count;
  const ids = [];
  for await (const hit of client.helpers.scrollDocuments({
    index, size: 50, body: { query: { term: { "process.name": name } } },
  })) ids.push(hit.event.id);
  const hosts = (await client.search({
    index, size: 0, body: { aggs: { hosts: { terms: { field: "host.id", size: 100 } } } },
  })).body.aggregations.hosts.buckets;
  console.log(JSON.stringify({ count, found: ids.length, unique: new Set(ids).size,
    hosts: Object.fromEntries(hosts.map((b) => [b.key, b.doc_count])) }));
}

main().catch((error) => {
  console.error(error.name, error.message, JSON.stringify(error.meta && error.meta.body));
  process.exit(1);
});
