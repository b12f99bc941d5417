// A browser on a running platform, and what every test asks of a page that it has shown.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before } from "node:test";

/** Written by tests/integration/test_dashboard.py: addresses, tokens and what the platform holds. */
export const world = JSON.parse(readFileSync(process.env.E2E_WORLD, "utf8"));

// The page's own node_modules lie where the page was built, not beside this file.
const require = createRequire(`${process.env.WEB_TREE}/package.json`);
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const WAIT_MS = 15_000;
let browser;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

/** Call once at the top of a test file: one browser for all of its tests. */
export function withBrowser() {
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });
}

/** Answers that the page is meant to cope with; everything else on the console is a fault. */
const EXPECTED = /Failed to load resource: the server responded with a status of (400|401|403|404|409|412|503)/;

/** A page of its own context. `token` signs it in beforehand; `seen` collects what went wrong on it. */
export async function open({ token, theme = "light", width = 1440, height = 900, on = browser } = {}) {
  const context = await on.newContext({
    baseURL: world.url, colorScheme: theme, reducedMotion: "reduce", viewport: { width, height },
  });
  context.setDefaultTimeout(WAIT_MS);
  if (token) {
    const answer = await context.request.post("/session", { data: { token } });
    assert.equal(answer.status(), 200, `signing in: ${await answer.text()}`);
  }
  // The policy of the page lets no test script in: it is planted before the page's own.
  await context.addInitScript({ content: axeSource });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}`);
    });
  });
  const page = await context.newPage();
  page.seen = [];
  page.on("pageerror", (error) => page.seen.push(`uncaught: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) page.seen.push(`console: ${message.text()}`);
  });
  // A page that asks what cannot be asked has a fault; only an address may bring that about.
  page.on("response", (answer) => {
    if (answer.status() === 400 && !page.asksNonsense) page.seen.push(`400 ${answer.url().slice(0, 300)}`);
  });
  page.on("dialog", (dialog) => {
    page.seen.push(`a dialog of the browser: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return page;
}

/** Until the view is there and nothing of it is being loaded any more. */
export async function settled(page) {
  await page.locator("h1").first().waitFor();
  await until(async () => (await page.locator("[aria-busy=true]").count()) === 0, "something is still loading");
}

/** Asks until it is so. (Playwright's own polling evaluates text, which the page's policy forbids.) */
export async function until(good, why) {
  const end = Date.now() + WAIT_MS;
  while (!(await good())) {
    assert.ok(Date.now() < end, why);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function show(page, path) {
  await page.goto(path);
  await settled(page);
}

/** No script error, no broken policy, nothing hostile came alive. */
export async function healthy(page) {
  const found = await page.evaluate(() => ({ violations: window.violations, pwned: window.pwned ?? null }));
  assert.deepEqual({ ...found, seen: page.seen }, { violations: [], pwned: null, seen: [] }, page.url());
}

/** WCAG 2.1 AA as far as a machine can tell. */
export async function accessible(page) {
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    });
    return violations.map((one) => ({
      rule: one.id, help: one.help,
      at: one.nodes.slice(0, 4).map((node) => `${node.target.join(" ")} — ${node.failureSummary?.split("\n")[1]?.trim()}`),
    }));
  });
  assert.deepEqual(found, [], page.url());
}

/** The text that a user can read or hear, attributes of help included. */
export async function wholeText(page) {
  return page.evaluate(() => document.documentElement.outerHTML);
}

export async function api(page, path) {
  const answer = await page.request.get(`/api${path}`);
  assert.equal(answer.status(), 200, path);
  return answer.json();
}

/** Every address of the page, with things that exist in the seeded platform. */
export function routes() {
  const { alert, host, inference } = world;
  return {
    summary: "/", alerts: "/alerts", alert: `/alerts/${alert}`, hosts: "/hosts", host: `/hosts/${host}`,
    timeline: "/timeline", attacks: "/attacks", inference: `/inferences/${inference}`,
    graph: `/inferences/${inference}/graph`, hunt: "/hunt", analytics: "/analytics", distribution: "/distribution",
    tokens: "/admin/tokens", tenants: "/admin/tenants", suppressions: "/admin/suppressions", models: "/admin/models",
    audit: "/admin/audit", deadletters: "/admin/dead-letters", posture: "/admin/posture",
  };
}
