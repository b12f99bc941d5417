// Signing in and out, and what an expired session leads to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, healthy, open, settled, show, withBrowser, world } from "./lib.mjs";

withBrowser();

async function signIn(page, token) {
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("the login is accessible in both themes", async () => {
  for (const theme of ["light", "dark"]) {
    const page = await open({ theme });
    await page.goto("/");
    await page.getByLabel("Access token").waitFor();
    await accessible(page);
    await healthy(page);
    await page.context().close();
  }
});

test("a wrong token is refused with a word why, and the right one then lets in", async () => {
  const page = await open();
  await page.goto("/");
  await signIn(page, "lgt_wrong");
  await page.getByRole("alert").filter({ hasText: "not valid" }).waitFor();
  await signIn(page, world.tokens.anna);
  await page.getByRole("heading", { level: 1, name: "Summary" }).waitFor();
  await healthy(page);
  // The token itself stays nowhere that a script could read.
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie }));
  assert.ok(!kept.includes("lgt_") && !kept.includes("logster_session"), kept);
  await page.context().close();
});

test("an expired session leads to the login and back to the same place", async () => {
  const page = await open({ token: world.tokens.anna });
  const place = "/alerts?from=now-6h&host=hr001";
  await show(page, place);
  await page.context().clearCookies();
  await page.getByRole("link", { name: /^Hosts/ }).click();
  await page.getByText("Your session has ended").waitFor();
  await page.goBack();
  await signIn(page, world.tokens.anna);
  await page.getByRole("heading", { level: 1, name: "Alerts" }).waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, place);
  await healthy(page);
  await page.context().close();
});

test("a token revoked meanwhile ends the session at its next use", async () => {
  const admin = await open({ token: world.tokens.root });
  const { csrf_token: csrf } = await (await admin.request.get("/session")).json();
  const headers = { "X-CSRF-Token": csrf };
  const made = await admin.request.post("/api/tokens", { headers, data: { name: "short", tenants: { default: ["viewer"] } } });
  assert.equal(made.status(), 201);
  const { token, details } = await made.json();
  const page = await open({ token });
  await show(page, "/");
  assert.equal((await admin.request.delete(`/api/tokens/${details.token_id}`, { headers })).status(), 204);
  await page.getByRole("link", { name: /^Timeline/ }).click();
  await page.getByLabel("Access token").waitFor();
  await page.context().close();
  await admin.context().close();
});

test("signing out forgets everything, also for the back button", async () => {
  const page = await open({ token: world.tokens.viewer });
  await show(page, "/");
  await page.getByRole("button", { name: /^You: / }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByLabel("Access token").waitFor();
  await page.goBack().catch(() => undefined);
  await page.goto("/");
  await page.getByLabel("Access token").waitFor();
  assert.equal((await page.request.get("/session")).status(), 401);
  await page.context().close();
});

test("the keyboard leads everywhere: g and a letter, ? lists the keys", async () => {
  const page = await open({ token: world.tokens.anna });
  await show(page, "/?from=now-6h");
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await page.waitForURL(/\/hosts\?from=now-6h/);
  await settled(page);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.goBack();
  await page.waitForURL(/\/\?from=now-6h/);
  await healthy(page);
  await page.context().close();
});
