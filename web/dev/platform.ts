// The development server in front of a running platform; no part of what is built.
//   LOGSTER_DASHBOARD=http://127.0.0.1:5001   its dashboard port, with real sessions, or
//   LOGSTER_URL=http://127.0.0.1:8080 LOGSTER_TOKEN=lgt_…   its API port; the session is played here
import type { Plugin, ProxyOptions } from "vite";

function proxies(): Record<string, ProxyOptions> {
  const dashboard = process.env.LOGSTER_DASHBOARD;
  if (dashboard) {
    return { "/api": { target: dashboard }, "/session": { target: dashboard } };
  }
  const target = process.env.LOGSTER_URL ?? "http://127.0.0.1:8080";
  const token = process.env.LOGSTER_TOKEN ?? "";
  return {
    "/api": {
      target,
      rewrite: (path) => path.replace(/^\/api/, ""),
      headers: { Authorization: `Bearer ${token}` },
    },
  };
}

export function platform(): Plugin {
  return {
    name: "logster-platform",
    apply: "serve",
    config: () => ({ server: { proxy: proxies() } }),
    configureServer(server) {
      if (process.env.LOGSTER_DASHBOARD) return;
      const target = process.env.LOGSTER_URL ?? "http://127.0.0.1:8080";
      let token = process.env.LOGSTER_TOKEN ?? "";
      server.middlewares.use("/session", (request, response) => {
        if (request.method === "DELETE") {
          token = "";
          response.statusCode = 204;
          response.end();
          return;
        }
        if (request.method === "POST") token = process.env.LOGSTER_TOKEN ?? "";
        void fetch(`${target}/me`, { headers: { Authorization: `Bearer ${token}` } })
          .then(async (answer) => {
            const me: unknown = await answer.json();
            response.statusCode = answer.status;
            response.setHeader("Content-Type", "application/json");
            response.end(JSON.stringify(answer.ok ? { csrf_token: "dev", me, expires_at: null } : me));
          })
          .catch(() => {
            response.statusCode = 503;
            response.end();
          });
      });
    },
  };
}
