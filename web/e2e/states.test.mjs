// What a view shows when there is nothing, when the store does not answer, and when nobody does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, healthy, open, routes, settled, show, withBrowser, world } from "./lib.mjs";

withBrowser();

const RANGED = ["summary", "timeline", "attacks", "hunt", "analytics", "distribution", "audit", "deadletters"];
const VIEWS = Object.entries(routes());

test("a store that cannot answer is told, with the request id and a way to try again", async (t) => {
  const page = await open({ token: world.tokens.root });
  let down = true;
  await page.route(/\/api\/(?!stream)/, async (route) => {
    if (!down) return route.continue();
    return route.fulfill({
      status: 503, contentType: "application/problem+json", headers: { "X-Request-Id": "req-4711" },
      body: JSON.stringify({ type: "about:blank", title: "Unavailable", status: 503, detail: "the store cannot answer now", request_id: "req-4711" }),
    });
  });
  // Refusals of this kind are tried again, slowly; a test need not wait for it.
  await page.addInitScript(() => {
    const real = window.setTimeout;
    window.setTimeout = (run, ms, ...more) => real(run, ms > 500 ? 10 : ms, ...more);
  });
  for (const [name, path] of VIEWS) {
    await t.test(name, async () => {
      down = true;
      page.seen.length = 0;
      await page.goto(path);
      const trouble = page.getByRole("alert").filter({ hasText: "could not be loaded" }).first();
      await trouble.waitFor();
      await trouble.getByText("req-4711").waitFor();
      await accessible(page);
      await healthy(page);
      down = false;
      await trouble.getByRole("button", { name: "Try again" }).click();
      await trouble.waitFor({ state: "detached" }).catch(async () => {
        // Another card's trouble has moved up into its place: that one has a button of its own.
        assert.ok(await page.getByRole("button", { name: "Try again" }).count() < 8);
      });
    });
  }
  await page.context().close();
});

test("a range without data says so, names the last data and leads there", async (t) => {
  const page = await open({ token: world.tokens.root });
  for (const name of RANGED) {
    await t.test(name, async () => {
      page.seen.length = 0;
      await show(page, `${routes()[name]}?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z`);
      await page.locator(".empty").first().waitFor();
      await accessible(page);
      await healthy(page);
    });
  }
  await show(page, "/?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z");
  await page.getByRole("button", { name: "Jump there" }).click();
  await page.getByRole("link", { name: /Verdicts/ }).first().waitFor();
  await settled(page);
  assert.equal(await page.getByText("No verdicts in this range").count(), 0);
  await page.context().close();
});

test("what is not there is said to be not there", async () => {
  const page = await open({ token: world.tokens.root });
  const nothing = "00000000-0000-4000-8000-000000000000";
  for (const path of [`/alerts/${nothing}`, `/inferences/${nothing}`, `/inferences/${nothing}/graph`, "/hosts/no-such-host"]) {
    await page.goto(path);
    await page.getByRole("alert").filter({ hasText: "not yours to see" }).first().waitFor();
    await accessible(page);
  }
  await show(page, "/no/such/view");
  await page.getByText("This address leads nowhere").waitFor();
  await healthy(page);
  await page.context().close();
});

test("a platform that is gone is said to be gone, and what was shown stays", async () => {
  const page = await open({ token: world.tokens.root });
  await show(page, "/");
  const verdicts = page.getByRole("link", { name: /Verdicts/ }).first();
  await verdicts.waitFor();
  await page.context().setOffline(true);
  await page.getByText("The platform does not answer").first().waitFor({ timeout: 40_000 });
  assert.ok(await verdicts.isVisible());
  await accessible(page);
  await page.context().setOffline(false);
  await page.context().close();
});
