// Each view, in light and dark: it renders, breaks no policy, and axe finds nothing.
import { test } from "node:test";
import { accessible, healthy, open, routes, show, withBrowser, world } from "./lib.mjs";

withBrowser();

for (const theme of ["light", "dark"]) {
  test(`every view renders and is accessible, ${theme}`, async (t) => {
    const page = await open({ token: world.tokens.root, theme });
    for (const [name, path] of Object.entries(routes())) {
      await t.test(name, async () => {
        page.seen.length = 0;
        await show(page, path);
        await healthy(page);
        await accessible(page);
      });
    }
    await page.context().close();
  });
}
