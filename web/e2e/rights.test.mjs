// Who sees what: no button that would be refused, and no word of what is not one's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, api, healthy, open, routes, show, wholeText, withBrowser, world } from "./lib.mjs";

withBrowser();

const CHANGES = /^(acknowledge|investigate|resolve|false positive|reopen|assign|suppress|save|delete)\b|^(revoke|disable|new token|new tenant|end now|replay|drop|note|true positive|not an attack)/i;

/** Buttons by the words that they are called by, those in the frame apart. */
async function buttons(page) {
  return (await page.locator("main").getByRole("button").all()).length
    ? page.locator("main").getByRole("button").evaluateAll((all) => all.map((one) => (one.getAttribute("aria-label") ?? one.textContent ?? "").trim()))
    : [];
}

test("a viewer reads every view and finds no button that changes anything", async (t) => {
  const page = await open({ token: world.tokens.viewer });
  const refused = [];
  page.on("response", (answer) => answer.status() === 403 && refused.push(answer.url()));
  for (const [name, path] of Object.entries(routes())) {
    if (path.startsWith("/admin") && !["suppressions", "models"].includes(name)) continue;
    await t.test(name, async () => {
      page.seen.length = 0;
      await show(page, path);
      const found = (await buttons(page)).filter((label) => CHANGES.test(label) && !/^replay the/i.test(label));
      assert.deepEqual(name === "graph" ? found.filter((label) => label !== "Replay") : found, []);
      await healthy(page);
    });
  }
  assert.deepEqual(refused, [], "the page asked for what this role may not have");
  await page.context().close();
});

test("a viewer's keys do nothing to an alert either", async () => {
  const page = await open({ token: world.tokens.viewer });
  const changes = [];
  page.on("request", (sent) => sent.method() !== "GET" && changes.push(`${sent.method()} ${sent.url()}`));
  await show(page, `/alerts/${world.alert}`);
  for (const key of ["a", "i", "r", "f", "m", "s"]) await page.keyboard.press(key);
  await page.waitForTimeout(300);
  assert.deepEqual(changes, []);
  await page.context().close();
});

test("each role is led to what it may, and no further", async () => {
  const tabs = {
    root: ["Tokens", "Tenants", "Suppressions", "Models", "Audit log", "Dead letters", "Posture"],
    admin: ["Tokens", "Suppressions", "Models", "Audit log"],
    anna: ["Suppressions", "Models"],
    operator: ["Tokens", "Tenants", "Models", "Audit log", "Dead letters", "Posture"],
  };
  for (const [who, wanted] of Object.entries(tabs)) {
    const page = await open({ token: world.tokens[who] });
    const refused = [];
    page.on("response", (answer) => answer.status() === 403 && refused.push(answer.url()));
    await show(page, "/admin");
    await page.getByRole("tab").first().waitFor();
    assert.deepEqual(await page.getByRole("tab").allTextContents(), wanted, who);
    await show(page, "/admin");
    assert.deepEqual(refused, [], who);
    await page.context().close();
  }
  const page = await open({ token: world.tokens.viewer });
  await show(page, "/admin/tokens");
  await page.getByText("Nothing here for you").waitFor();
  assert.equal(await page.getByRole("link", { name: "Administration" }).count(), 0);
  await page.context().close();
});

test("an operator without a tenant sees the platform and no alert", async () => {
  const page = await open({ token: world.tokens.operator });
  const refused = [];
  page.on("response", (answer) => answer.status() === 403 && refused.push(answer.url()));
  await show(page, "/admin/posture");
  await page.getByText("Pipeline", { exact: true }).waitFor();
  for (const view of ["Alerts", "Hosts", "Hunt"]) assert.equal(await page.getByRole("navigation").getByRole("link", { name: view }).count(), 0);
  await accessible(page);
  await healthy(page);
  assert.deepEqual(refused, []);
  await page.context().close();
});

test("a tenant's user never reads another tenant's name", async (t) => {
  for (const who of ["anna", "admin", "viewer"]) {
    const page = await open({ token: world.tokens[who] });
    const bodies = [];
    page.on("response", async (answer) => {
      if (/\/(api|session)\b/.test(answer.url()) && !answer.url().includes("/stream")) bodies.push((await answer.text().catch(() => "")) + answer.url());
    });
    for (const [name, path] of Object.entries(routes())) {
      await t.test(`${who} ${name}`, async () => {
        await show(page, path);
        const text = await wholeText(page);
        assert.doesNotMatch(text, /zz[- ]secret/i);
      });
    }
    assert.ok(bodies.length > 20);
    assert.ok(!bodies.some((one) => /zz[- ]secret/i.test(one)), "an answer names the other tenant");
    assert.equal(await page.getByRole("button", { name: "Tenant" }).count(), 0, "one tenant is nothing to choose from");
    // Asking for it by name shows an empty one, as for a tenant that does not exist.
    const asked = await api(page, `/alerts?tenant_id=${world.secret}`);
    assert.equal(asked.total, 0);
    await page.context().close();
  }
});

test("a token is made, shown once, and revoked", async () => {
  const page = await open({ token: world.tokens.admin });
  await show(page, "/admin/tokens");
  await page.getByRole("button", { name: "New token" }).click();
  const form = page.getByRole("dialog", { name: "New token" });
  await form.getByLabel("Name").fill("night shift");
  assert.equal(await form.getByText("operator").count(), 0, "an admin of a tenant cannot give it");
  await form.getByRole("checkbox", { name: /^analyst/ }).check();
  await accessible(page);
  await form.getByRole("button", { name: "Make it" }).click();
  const secret = await page.getByLabel("Secret of the new token").inputValue();
  assert.match(secret, /^lgt_/);
  await accessible(page);
  const works = await fetch(`${world.url}/api/me`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal(works.status, 200);
  await page.getByRole("button", { name: "I have kept it" }).click();
  assert.ok(!(await wholeText(page)).includes(secret));
  await page.getByRole("button", { name: "Revoke night shift" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("button", { name: "Revoke night shift" }).waitFor({ state: "detached" });
  const after = await fetch(`${world.url}/api/me`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal(after.status, 401);
  await page.getByLabel("Also revoked and expired ones").check();
  await page.getByText("revoked", { exact: true }).first().waitFor();
  await healthy(page);
  await page.context().close();
});

test("the audit log is verified, a dead letter read and replayed", async () => {
  const page = await open({ token: world.tokens.root });
  await show(page, "/admin/audit");
  await page.getByRole("button", { name: "Verify the chain" }).click();
  await page.getByText(/rows, each fits its chain/).waitFor();
  await page.getByRole("grid", { name: "Audit log" }).getByText("suppression.create").first().click();
  await page.getByRole("heading", { name: "Audit row" }).waitFor();
  await accessible(page);
  await show(page, "/admin/dead-letters");
  await page.getByRole("grid", { name: "Dead letters" }).getByText("unsupported type").first().click();
  await page.getByRole("region", { name: "The record" }).getByText("Microsoft-Windows").first().waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Drop", exact: true }).click();
  await page.getByText("1 record dropped").waitFor();
  await healthy(page);
  await page.context().close();
});

test("a suppression shows what it hides and is ended", async () => {
  const page = await open({ token: world.tokens.anna });
  await show(page, "/admin/suppressions");
  await page.getByText("Compiler farm").click();
  await page.getByRole("button", { name: "End now" }).click();
  const ask = page.getByRole("dialog", { name: "End a suppression" });
  await ask.getByRole("button", { name: "End now" }).click();
  await page.getByText("Nothing is suppressed").waitFor();
  await page.getByLabel("Also ended ones").check();
  await page.getByText("ended by hand").first().waitFor();
  await healthy(page);
  await page.context().close();
});
