// Ships the events of a file, one JSON object a line, with the client that argv names, and prints
// what the client says of it. Run with NODE_PATH at the installed packages.
"use strict";
const fs = require("fs");
const [kind, node, token, file] = process.argv.slice(2);
const { Client } = require(kind);
const auth = kind.startsWith("@elastic/")
  ? { auth: { apiKey: token } }
  : { auth: { username: "shipper", password: token } };

async function main() {
  const client = new Client({ node, maxRetries: 0, ...auth });
  const info = await client.info();
  const dropped = [];
  const done = await client.helpers.bulk({
    datasource: fs.readFileSync(file, "utf8").trim().split("\n").map((l) => JSON.parse(l)),
    onDocument: () => ({ create: { _index: "logs" } }),
    onDrop: (d) => dropped.push(d.error),
    retries: 0,
  });
  const refused = await client.bulk({
    body: [{ delete: { _index: "logs", _id: "1" } }],
  });
  const of = (answer) => answer.body || answer; // the 2.x line wraps answers
  console.log(JSON.stringify({
    version: of(info).version.number,
    total: done.total, successful: done.successful, failed: done.failed, dropped,
    deleteRefused: of(refused).errors,
  }));
}

main().catch((error) => {
  console.error(error.name, error.message, JSON.stringify(error.meta && error.meta.body));
  process.exit(1);
});
