// Pictures of every view for docs/images/, of a platform that scripts/screenshots.py has filled.
import { mkdirSync } from "node:fs";
import { launch, open, routes, show, settled, world } from "./lib.mjs";

const [folder, ...only] = process.argv.slice(2);
const DARK = ["summary", "alert"];
/** Views that look best with something chosen. */
const THEN = {
  tree: async (page) => {
    await page.getByRole("tab", { name: /Process tree/ }).click();
    await settled(page);
    await page.getByRole("tabpanel").evaluate((element) => element.scrollIntoView({ block: "start" }));
  },
};

/** The pictures show an hour: what was replayed lies in its last minutes. */
const at = (path) => `${path}${path.includes("?") ? "&" : "?"}from=now-1h`;

async function picture(page, name, path) {
  await show(page, at(path));
  await THEN[name]?.(page);
  await page.waitForTimeout(500); // canvases draw a moment after their data
  await page.screenshot({ path: `${folder}/${name}.png` });
  console.log(name, page.seen.length ? page.seen : "");
}

mkdirSync(folder, { recursive: true });
const browser = await launch();
const { tenants: _plain, deadletters: _lists, ...shown } = routes();
const all = { ...shown, tree: `/alerts/${world.alert}` };
try {
  for (const theme of ["light", "dark"]) {
    const page = await open({ token: world.tokens[process.env.SHOT_AS ?? "root"], theme, on: browser });
    page.setDefaultTimeout(8000);
    for (const [name, path] of Object.entries(all)) {
      if (only.length && !only.includes(name)) continue;
      if (theme === "dark" && !DARK.includes(name) && !process.env.SHOT_DARK) continue;
      page.seen.length = 0;
      try {
        await picture(page, theme === "dark" ? `${name}-dark` : name, path);
      } catch (error) {
        console.log(name, "failed:", String(error).split("\n")[0]);
        process.exitCode = 1;
      }
    }
  }
} finally {
  await browser.close();
}
