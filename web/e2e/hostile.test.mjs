// Names with HTML, scripts, marks that turn the direction, controls, 10,000 characters and bytes that
// are no UTF-8, ingested as real events: text in every view that shows them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, api, healthy, open, settled, show, withBrowser, world } from "./lib.mjs";

withBrowser();

/** Text nodes never hold a raw control or direction mark, and nothing in the page became an element. */
async function tame(page) {
  const found = await page.evaluate(() => {
    const raw = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const bad = [];
    while (walker.nextNode()) {
      const text = walker.currentNode.data;
      if (raw.test(text)) bad.push(`text ${JSON.stringify(text.slice(0, 80))}`);
      if (text.length > 25_000) bad.push(`${text.length} characters in one place`);
    }
    for (const element of document.body.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) if (name !== "value" && raw.test(value)) bad.push(`${element.tagName} ${name}`);
      if (element.matches("img[onerror], img[src=x], script:not([src]), [onclick], [onload]")) bad.push(element.outerHTML.slice(0, 80));
    }
    // Nothing may push the page wider than the window.
    if (document.documentElement.scrollWidth > window.innerWidth + 1) bad.push(`the page is ${document.documentElement.scrollWidth} px wide`);
    return bad;
  });
  assert.deepEqual(found, [], page.url());
  await healthy(page);
}

const { alert, inference, host } = world.hostile;
const PLACES = {
  summary: "/", alerts: `/alerts?host=${host}`, alert: `/alerts/${alert}`, hosts: "/hosts", host: `/hosts/${host}`,
  attacks: `/attacks?host=${host}`, inference: `/inferences/${inference}`, graph: `/inferences/${inference}/graph`,
  hunt: `/hunt?host=${host}&from=now-1h`, script: "/hunt?from=now-1h&q=window.pwned", analytics: `/analytics?host=${host}`,
  distribution: `/distribution?host=${host}`, timeline: `/timeline?host=${host}`, deadletters: "/admin/dead-letters",
};

test("hostile names are text wherever they are shown", async (t) => {
  const page = await open({ token: world.tokens.root });
  const stored = await api(page, `/events?endpoint=${host}&from=now-1h&to=now&q=window.pwned&limit=5`);
  assert.ok(stored.total > 10, "the hostile events are there");
  for (const [name, path] of Object.entries(PLACES)) {
    await t.test(name, async () => {
      page.seen.length = 0;
      await show(page, path);
      await tame(page);
      // Whatever a view keeps behind tabs holds the same names.
      const tabs = page.locator("main").getByRole("tab");
      for (let at = 0; at < (name === "deadletters" ? 0 : await tabs.count()); at++) {
        await tabs.nth(at).click();
        await settled(page);
        await tame(page);
      }
    });
  }
  await page.context().close();
});

test("an address that carries hostile text shows it as text", async () => {
  const page = await open({ token: world.tokens.root });
  page.asksNonsense = true;
  for (const name of Object.values(world.hostile.names).map((one) => one.slice(0, 300))) {
    const value = encodeURIComponent(name);
    for (const path of [`/hunt?from=now-1h&q=${value}`, `/hunt?from=now-1h&f=user:${value}`, `/alerts?host=${value}`, `/?tenant=${value}`, `/hosts/${value}`]) {
      // The server takes no control character in a path (400 before any page), and no host has one.
      if (path.startsWith("/hosts/") && /[\u0000-\u001f\u007f]/.test(name)) continue;
      await page.goto(path);
      await page.locator("h1").first().waitFor();
      await tame(page);
    }
  }
  await page.context().close();
});

test("the hostile alert is accessible too", async () => {
  const page = await open({ token: world.tokens.root });
  await show(page, `/alerts/${alert}`);
  await accessible(page);
  await page.context().close();
});
