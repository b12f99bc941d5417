import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { platform } from "./dev/platform";

const src = fileURLToPath(new URL("./src", import.meta.url));

export default defineConfig({
  plugins: [platform()],
  resolve: { alias: { "@": src } },
  esbuild: { jsx: "automatic" },
  build: {
    outDir: process.env.LOGSTER_WEB_OUT ?? "dist",
    emptyOutDir: true,
    target: "es2021",
    // The Content-Security-Policy lets no font or script come from a data: address.
    assetsInlineLimit: 0,
    // Sizes are judged by what a view needs first; charts and graphs are chunks of their own.
    chunkSizeWarningLimit: 800,
    rollupOptions: {
      // "use client" is for servers that render; there is none here.
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
      output: {
        manualChunks: (id) => {
          if (/node_modules\/(echarts|zrender)\//.test(id)) return "charts";
          if (/node_modules\/cytoscape/.test(id)) return "graphs";
          if (/node_modules\/(react|react-dom|scheduler|react-router|react-router-dom|@remix-run)\//.test(id)) return "react";
          return undefined;
        },
      },
    },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
