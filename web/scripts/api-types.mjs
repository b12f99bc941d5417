// Writes src/api/schema.ts from the platform's own /openapi.json, so that types and server cannot
// drift apart unseen, and src/api/queries.ts with the query parameters of each operation:
//   curl -s URL/openapi.json | node scripts/api-types.mjs
import { readFileSync, writeFileSync } from "node:fs";

const doc = JSON.parse(readFileSync(0, "utf8"));

const nameOf = (ref) => ref.slice(ref.lastIndexOf("/") + 1);
const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const indent = (depth) => "  ".repeat(depth);

function note(schema, depth) {
  return schema.description ? `${indent(depth)}/** ${schema.description.replaceAll("*/", "* /")} */\n` : "";
}

function objectOf(schema, depth) {
  const props = Object.entries(schema.properties ?? {});
  const more = schema.additionalProperties;
  const rest = more && typeof more === "object" ? typeOf(more, depth) : "unknown";
  if (!props.length) return `Record<string, ${rest}>`;
  const required = new Set(schema.required ?? []);
  const lines = props.map(
    ([name, prop]) =>
      `${note(prop, depth + 1)}${indent(depth + 1)}${key(name)}${required.has(name) ? "" : "?"}: ${typeOf(prop, depth + 1)};`,
  );
  if (more !== false) lines.push(`${indent(depth + 1)}[member: string]: unknown;`);
  return `{\n${lines.join("\n")}\n${indent(depth)}}`;
}

function typeOf(schema, depth = 0) {
  if (schema === true || !Object.keys(schema).length) return "unknown";
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  const any = schema.oneOf ?? schema.anyOf;
  if (any) return any.map((one) => typeOf(one, depth)).join(" | ");
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => typeOf({ ...schema, type }, depth)).join(" | ");
  }
  switch (schema.type) {
    case "object": return objectOf(schema, depth);
    case "array": {
      const item = typeOf(schema.items ?? {}, depth);
      return /[|\n]/.test(item) ? `Array<${item}>` : `${item}[]`;
    }
    case "integer":
    case "number": return "number";
    case "boolean": return "boolean";
    case "null": return "null";
    case "string": return "string";
    default: return schema.properties ? objectOf(schema, depth) : "unknown";
  }
}

const top = "// Made by scripts/api-types.mjs from /openapi.json: do not edit.\n";
const into = (file, parts) => writeFileSync(new URL(`../src/api/${file}`, import.meta.url), parts.join("\n"));

into("schema.ts", [
  top,
  ...Object.entries(doc.components.schemas).map(
    ([name, schema]) => `${note(schema, 0)}export type ${name} = ${typeOf(schema)};\n`,
  ),
]);

const queries = [top];
for (const methods of Object.values(doc.paths)) {
  for (const operation of Object.values(methods)) {
    const query = (operation.parameters ?? []).filter((one) => one.in === "query");
    if (!query.length) continue;
    const name = operation.operationId[0].toUpperCase() + operation.operationId.slice(1);
    const lines = query.map(
      (one) =>
        // A number in an address may be text; the page always has a number.
        `${note(one, 1)}  ${key(one.name)}${one.required ? "" : "?"}: ${typeOf(one.schema ?? {}).replace("number | string", "number")};`,
    );
    queries.push(`export type ${name}Query = {\n${lines.join("\n")}\n};\n`);
  }
}
into("queries.ts", queries);
