// The line at the foot of the page: is the pipeline well, and how fresh is what is shown.
import { useQuery } from "@tanstack/react-query";
import { getReadiness, getStatus, listEndpoints, listModels } from "@/api";
import { formatAgo, formatNumber, plural } from "@/lib/format";
import { Link } from "@/ui/Link";
import { useLiveState } from "./live";
import { useNow, useScope } from "./scope";
import { useCan } from "./session";

const EVERY_MS = 15_000;

/** Newest data of any endpoint in sight, over all time. */
export function useLastData(): number | null {
  const { tenant } = useScope();
  const can = useCan();
  const { data } = useQuery({
    queryKey: ["endpoints", "last-data", tenant],
    queryFn: ({ signal }) =>
      listEndpoints({ sort: "last_seen", order: "desc", limit: 1, ...(tenant ? { tenant_id: tenant } : {}) }, signal),
    enabled: can("endpoints.read"),
    refetchInterval: EVERY_MS * 2,
  });
  return data?.endpoints[0]?.last_seen ?? null;
}

function Pipeline() {
  const can = useCan();
  const operator = can("config.read");
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => getStatus(signal),
    enabled: operator,
    refetchInterval: EVERY_MS,
  });
  const ready = useQuery({
    queryKey: ["ready"],
    queryFn: ({ signal }) => getReadiness(signal),
    enabled: !operator,
    refetchInterval: EVERY_MS,
    retry: false,
  });
  if (!operator) {
    return <span className={ready.error ? "strip-bad" : undefined}>{ready.error ? "▲ pipeline not ready" : ready.data ? "pipeline ok" : "…"}</span>;
  }
  if (!status.data) return <span className={status.error ? "strip-bad" : undefined}>{status.error ? "▲ status unknown" : "…"}</span>;
  const stages = status.data.platform?.stages ?? [];
  const lag = stages.reduce((sum, stage) => sum + stage.lag, 0);
  const dead = status.data.dead_letters_open ?? 0;
  return (
    <>
      <Link to="/admin/posture" className={status.data.ready ? undefined : "strip-bad"}>
        {status.data.ready ? "pipeline ok" : `▲ not ready: ${status.data.not_ready_because ?? "starting"}`}
      </Link>
      <Link to="/admin/posture">lag {formatNumber(lag)} records</Link>
      <Link to="/admin/dead-letters" className={dead ? "strip-warn" : undefined}>
        {plural(dead, "dead letter")}
      </Link>
    </>
  );
}

function Models() {
  const can = useCan();
  const { data } = useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => listModels(signal),
    enabled: can("models.read"),
    staleTime: 60_000,
  });
  if (!data?.models.length) return null;
  return (
    <Link to="/admin/models">
      {data.models.map((model) => `${model.name} ${model.version}`).join(" · ")}
    </Link>
  );
}

export function StatusStrip() {
  const now = useNow(5);
  const last = useLastData();
  const { state } = useLiveState();
  return (
    <footer className="strip" aria-label="State of the platform">
      <Pipeline />
      <Models />
      {last !== null && <span className="num">last data {formatAgo(Math.min(last, now), now)}</span>}
      <span className="strip-end">{state === "live" ? "updates arrive live" : state === "paused" ? "updates are paused" : "updates reconnect…"}</span>
    </footer>
  );
}
