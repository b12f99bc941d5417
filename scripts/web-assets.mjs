// usage: node web-assets.mjs DIST FILES PAGE_C
// Copies the files of DIST and their gzip forms into FILES, and writes the C table of them.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

function filesBelow(folder, prefix = "") {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((e) =>
      e.isDirectory()
        ? filesBelow(join(folder, e.name), `${prefix}/${e.name}`)
        : [`${prefix}/${e.name}`],
    );
}

function incbin(label, file, digest) {
  // the digest is there so that a changed file makes a changed source
  return [
    `/* ${digest} */`,
    `__asm__(".section .rodata\\n.balign 16\\n.global ${label}\\n${label}:\\n"`,
    `        ".incbin \\"${file}\\"\\n.previous\\n");`,
    `extern const char ${label}[];`,
  ].join("\n");
}

const [dist, files, output] = process.argv.slice(2).map((p) => resolve(p));
const known = /^[A-Za-z0-9._/-]+$/;
const bodies = [];
const rows = [];

rmSync(files, { recursive: true, force: true });
mkdirSync(files, { recursive: true });
filesBelow(dist).forEach((path, i) => {
  const type = TYPES[extname(path)];
  if (type === undefined || !known.test(path)) {
    console.error(`web-assets: ${path} is of no kind that the page may hold`);
    process.exit(1);
  }
  const plain = readFileSync(join(dist, path));
  const packed = gzipSync(plain, { level: 9 });
  packed[9] = 255; // the operating system: the same bytes wherever this runs
  const digest = createHash("sha256").update(plain).digest("hex");
  const small = packed.length < plain.length;
  writeFileSync(join(files, `${i}`), plain);
  bodies.push(incbin(`lg_web_${i}`, join(files, `${i}`), digest));
  if (small) {
    writeFileSync(join(files, `${i}.gz`), packed);
    bodies.push(incbin(`lg_web_${i}_gz`, join(files, `${i}.gz`), digest));
  }
  const gzip = small ? `{lg_web_${i}_gz, ${packed.length}}` : "{NULL, 0}";
  rows.push(
    `        {"${path}", "${type}", "${digest.slice(0, 32)}", ${path.startsWith("/assets/")},\n` +
      `                {lg_web_${i}, ${plain.length}}, ${gzip}},`,
  );
});
if (!rows.some((r) => r.includes('"/index.html"'))) {
  console.error("web-assets: there is no index.html");
  process.exit(1);
}
writeFileSync(
  output,
  `/* Made by scripts/web.sh. */
#include "cli/page.h"

${bodies.join("\n")}

static const struct lg_asset files[] = {
${rows.join("\n")}
};

const struct lg_assets lg_web_page = {files, sizeof(files) / sizeof(*files)};
`,
);
