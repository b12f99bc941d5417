// Every view over a large store: how soon it shows something, its longest task while it is used, how
// much of it stands in the document. For tests/bench/bench_dashboard.py (--figures: JSON lines) and
// tests/integration/test_dashboard_scale.py, which holds it to counts and not to times.
import assert from "node:assert/strict";
import { healthy, launch, open, settled, until, world } from "./lib.mjs";

const figures = process.argv.includes("--figures");
const only = process.argv.slice(2).filter((word) => !word.startsWith("--"));
/** Whatever the list holds, so much of it is drawn at most. */
const MOST_NODES = 6000;
const SCROLLS = 25;

/** Planted before the page's own scripts: long tasks, and when the view first showed what it is for. */
function watch() {
  const content = ".table-body .table-row, .tile-value, .tile, main canvas, .matrix-cell, main .list li, main td, .empty, .figures, .host-figure, .tree-row, .alert-head";
  window.scale = { tasks: [], content: null, settled: null };
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.scale.tasks.push({ start: one.startTime, ms: one.duration });
  }).observe({ type: "longtask", buffered: true });
  const look = () => {
    const { scale } = window;
    if (document.querySelector("main h1")) {
      if (scale.content === null && document.querySelector(content)) {
        scale.content = performance.now();
        performance.mark("logster:first-content");
      }
      if (scale.content !== null && !document.querySelector("main [aria-busy=true]")) {
        scale.settled = performance.now();
        performance.mark("logster:settled");
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

async function longest(page, since) {
  return page.evaluate((from) => Math.max(0, ...window.scale.tasks.filter((one) => one.start >= from).map((one) => one.ms)), since);
}

const clock = (page) => page.evaluate(() => performance.now());

async function nodes(page) {
  return page.evaluate(() => document.querySelectorAll("*").length);
}

async function heap(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize / 1e6;
}

/** As a wheel does it, over the list that the view is about. */
async function scroll(page) {
  const box = await page.locator(".table, .tree, .tree-scroll, [role=treegrid], [role=tree]").first().boundingBox().catch(() => null);
  const at = box ?? { x: 400, y: 200, width: 400, height: 400 };
  await page.mouse.move(at.x + at.width / 2, Math.min(850, at.y + at.height / 2));
  for (let n = 0; n < SCROLLS; n++) {
    await page.mouse.wheel(0, 1500);
    await page.waitForTimeout(40);
  }
}

async function type(page, box, text) {
  const input = page.locator(box).first();
  await input.click();
  await input.pressSequentially(text, { delay: 60 });
  await page.waitForTimeout(700);
}

async function range(page, from) {
  await page.evaluate((value) => {
    const address = new URL(location.href);
    address.searchParams.set("from", value);
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
  }, from);
  await page.waitForTimeout(1500);
}

const week = "from=now-7d";
const VIEWS = [
  { name: "summary", path: `/?${week}`, range: "now-24h" },
  { name: "alerts", path: `/alerts?${week}`, list: true, box: ".queue-find", text: "tool4", range: "now-24h" },
  { name: "alerts_all", path: `/alerts?${week}&status=all&sort=last_seen`, list: true },
  { name: "alert", path: `/alerts/${world.alert}?${week}` },
  { name: "hosts", path: `/hosts?${week}`, list: true, range: "now-24h" },
  { name: "hosts_day", path: "/hosts?from=now-24h", list: true },
  { name: "host", path: `/hosts/${world.host}?${week}`, range: "now-24h" },
  { name: "host_profile", path: `/hosts/host-7?${week}&tab=profile` },
  { name: "tree", path: `/hosts/busy-host?from=now-24h&tab=tree`, list: true },
  { name: "timeline", path: `/timeline?${week}`, range: "now-24h" },
  { name: "attacks", path: `/attacks?${week}`, list: true, range: "now-24h" },
  { name: "inference", path: `/inferences/${world.inference}?${week}` },
  { name: "graph", path: `/inferences/${world.inference}/graph?${week}` },
  { name: "hunt", path: `/hunt?${week}`, list: true, range: "now-24h" },
  { name: "hunt_filtered", path: `/hunt?${week}&f=image:reg.exe&f=-user:nobody`, list: true },
  { name: "hunt_text", path: `/hunt?${week}&q=powershell`, list: true },
  { name: "analytics", path: `/analytics?${week}`, range: "now-24h" },
  { name: "distribution", path: `/distribution?${week}`, range: "now-24h" },
  { name: "audit", path: "/admin/audit", list: true },
  { name: "posture", path: "/admin/posture" },
];

async function measure(page, view) {
  page.seen.length = 0;
  await page.goto(view.path);
  await until(() => page.evaluate(() => window.scale.settled !== null), `${view.name} is still loading`);
  const got = await page.evaluate(() => ({ content: window.scale.content, settled: window.scale.settled }));
  got.load_task = await longest(page, 0);
  const used = await clock(page);
  got.nodes = await nodes(page);
  if (view.list) {
    await scroll(page);
    got.nodes = Math.max(got.nodes, await nodes(page));
  }
  if (view.box) await type(page, view.box, view.text);
  if (view.range) await range(page, view.range);
  await settled(page);
  got.used_task = await longest(page, used);
  got.nodes = Math.max(got.nodes, await nodes(page));
  got.heap = await heap(page);
  await healthy(page);
  return got;
}

/** Rows that the list says it has, and rows that are drawn. */
async function rows(page) {
  return page.evaluate(() => ({
    drawn: document.querySelectorAll(".table-body .table-row").length,
    said: Number(document.querySelector("[role=grid]")?.getAttribute("aria-rowcount")) - 1,
  }));
}

/** The list is longer than what was fetched, fetches more as it is scrolled, and draws what is in sight. */
async function paging(page, path, least) {
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(path);
  await settled(page);
  const first = await rows(page);
  const index = () => page.evaluate(() => Math.max(0, ...[...document.querySelectorAll(".table-body .table-row")].map((row) => Number(row.getAttribute("aria-rowindex")))));
  for (let n = 0; n < 60 && (await index()) < least; n++) await scroll(page);
  const last = await index();
  assert.ok(last >= least, `${path}: scrolled to row ${last} of ${first.said}`);
  assert.ok((await rows(page)).drawn < 120, `${path}: all rows are drawn`);
  const limits = asked.filter((url) => url.includes("limit=")).map((url) => Number(new URL(url).searchParams.get("limit")));
  assert.ok(Math.max(...limits) <= 1000, `${path}: asks for ${Math.max(...limits)} rows at once`);
}

const browser = await launch();
const page = await open({ token: world.tokens.root, on: browser });
await page.context().addInitScript(watch);
try {
  for (const view of VIEWS) {
    if (only.length && !only.includes(view.name)) continue;
    const got = await measure(page, view);
    if (figures) {
      for (const [what, unit, promised] of [
        ["content", "ms", 1000], ["settled", "ms", null], ["load_task", "ms", null], ["used_task", "ms", 200], ["nodes", "elements", MOST_NODES], ["heap", "MB", null],
      ]) {
        console.log(JSON.stringify({ name: `dashboard_${view.name}_${what}`, value: got[what], unit, ...(promised ? { baseline: promised } : {}) }));
      }
    }
    assert.ok(got.nodes <= MOST_NODES, `${view.name}: ${got.nodes} elements`);
  }
  if (!only.length) {
    await paging(page, `/alerts?${week}&status=all&sort=last_seen`, 600);
    await paging(page, `/hosts?${week}`, world.hosts);
    await paging(page, `/hunt?${week}`, 400);
  }
} finally {
  await browser.close();
}
