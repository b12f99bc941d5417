// The documented loop from Summary to a recorded verdict, and two analysts at one alert.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, api, healthy, open, settled, show, until, withBrowser, world } from "./lib.mjs";

withBrowser();

const HOST = "workstation5";

test("nine steps from Summary to a recorded verdict", async () => {
  const page = await open({ token: world.tokens.anna });
  const main = page.locator("main");
  // 1 Summary: attacks in the range
  await show(page, "/?from=now-6h");
  await main.getByRole("link", { name: /^Attacks/ }).waitFor();
  // 2 Hosts: the host by its probability
  await page.getByRole("navigation").getByRole("link", { name: "Hosts" }).click();
  await main.getByText(HOST, { exact: true }).first().waitFor();
  assert.match(page.url(), /from=now-6h/, "the range goes along");
  // 3 Recent attacks of that host
  await page.getByRole("navigation").getByRole("link", { name: "Recent attacks" }).click();
  await page.getByRole("combobox", { name: "Host" }).fill(HOST);
  await page.keyboard.press("Enter");
  await page.waitForURL(/host=workstation5/).catch((e) => { throw new Error(`step 3: ${page.url()}: ${e.message.slice(0, 60)}`); });
  await settled(page);
  // 4 one verdict: probability and evidence
  await main.locator(".table-row-open").first().click({ position: { x: 6, y: 10 } });
  await page.waitForURL(/\/inferences\/[0-9a-f-]{36}/).catch((e) => { throw new Error(`step 4: ${page.url()}: ${e.message.slice(0, 60)}`); });
  await settled(page);
  await main.getByText(/share of the verdict/i).first().waitFor();
  // 5 the process tree, 6 what is usual on the host
  await show(page, `/hosts/${HOST}?from=now-6h`);
  await main.getByRole("tab", { name: "Process tree" }).click();
  await settled(page);
  await main.getByText(/Outflank-Dumpert/).first().waitFor();
  await main.getByRole("tab", { name: "Usual and new" }).click();
  await settled(page);
  // 7 its techniques
  await page.getByRole("navigation").getByRole("link", { name: "Analytics" }).click();
  await main.getByText("T1003.001").first().waitFor();
  // 8 the verdict of a human, 9 closed
  await show(page, `/alerts/${world.triage}`);
  await main.getByRole("button", { name: /^(✓ )?True positive/ }).click();
  await page.getByText(/Feedback kept/).waitFor();
  await page.keyboard.press("a");
  await until(async () => (await api(page, `/alerts/${world.triage}`)).status === "acknowledged", "the key a did nothing");
  await accessible(page);
  const said = await api(page, `/feedback?alert_id=${world.triage}`);
  assert.equal(said.feedback.length, 1);
  assert.equal(said.feedback[0].is_true_positive, true);
  assert.match(said.feedback[0].author, /^anna \(/);
  await healthy(page);
  await page.context().close();
});

test("of two analysts the slower one sees what the other did and overwrites nothing", async () => {
  const anna = await open({ token: world.tokens.anna });
  const ben = await open({ token: world.tokens.ben });
  const path = `/alerts/${world.shared}`;
  const state = () => api(anna, path);
  await show(anna, path);
  await show(ben, path);
  // Ben's page hears nothing of the change: his browser lost the stream and what it asks again.
  await ben.route("**/api/stream*", (route) => route.abort());
  const { csrf_token: csrf } = await (await anna.request.get("/session")).json();
  await show(ben, path);
  const done = await anna.request.patch(`/api${path}`, { headers: { "X-CSRF-Token": csrf }, data: { status: "investigating", assignee: "anna" } });
  assert.equal(done.status(), 200);
  await ben.keyboard.press("a");
  const ask = ben.getByRole("dialog", { name: "Someone was faster" });
  await ask.waitFor();
  await ask.getByText(/anna/).first().waitFor();
  await accessible(ben);
  await ask.getByRole("button", { name: "Keep theirs" }).click();
  assert.equal((await state()).status, "investigating");
  assert.equal((await state()).assignee, "anna");
  ben.seen = ben.seen.filter((one) => !one.includes("ERR_FAILED")); // the stream that was cut off
  await healthy(ben);
  await ben.context().close();
  await anna.context().close();
});

test("a change of one analyst appears on the other's page by itself", async () => {
  const anna = await open({ token: world.tokens.anna });
  const ben = await open({ token: world.tokens.ben });
  const path = `/alerts/${world.live}`;
  await show(ben, path);
  await ben.getByRole("button", { name: "live" }).waitFor();
  await show(anna, path);
  await anna.keyboard.press("i");
  await ben.getByRole("region", { name: "State" }).getByText("investigating", { exact: false }).first().waitFor();
  await anna.keyboard.press("z");
  await until(async () => (await api(anna, path)).status === "open", "z did not take it back");
  await ben.getByRole("region", { name: "State" }).getByText(/\bopen\b/).first().waitFor();
  await healthy(anna);
  await healthy(ben);
  await anna.context().close();
  await ben.context().close();
});
