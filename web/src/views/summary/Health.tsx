// Is what the page shows complete: lag, dead letters, held-back hosts, blind spots, models.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { getStatus, listModels } from "@/api";
import { useNow } from "@/app/scope";
import { useCan } from "@/app/session";
import { formatAgo, formatNumber } from "@/lib/format";
import { Link } from "@/ui/Link";
import { Text } from "@/ui/Text";

function Item({ name, value, bad, to }: { name: string; value: ReactNode; bad?: boolean; to: string }) {
  return (
    <Link to={to} className={`health-item ${bad ? "health-bad" : ""}`}>
      <span className="health-name">{name}</span>
      <span className="health-value num">
        {bad && <span aria-hidden="true">▲ </span>}
        {value}
      </span>
    </Link>
  );
}

/** Hosts whose events are held back, out of the status's open members; null where it does not say. */
function heldBack(platform: Record<string, unknown> | null | undefined): number | null {
  const held = platform?.held_back_endpoints;
  return typeof held === "number" ? held : null;
}

/** Models of one version and one standing are one item. */
function alike(models: ReadonlyArray<{ name: string; version: string; signature: string }>) {
  const found: Array<{ names: string[]; version: string; signature: string }> = [];
  for (const { name, version, signature } of models) {
    const same = found.find((one) => one.version === version && one.signature === signature);
    if (same) same.names.push(name);
    else found.push({ names: [name], version, signature });
  }
  return found;
}

export function Health({ lastData }: { lastData: number | null }) {
  const can = useCan();
  const now = useNow(5);
  const operator = can("config.read");
  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => getStatus(signal), enabled: operator, refetchInterval: 15_000 });
  const models = useQuery({ queryKey: ["models"], queryFn: ({ signal }) => listModels(signal), enabled: can("models.read"), staleTime: 60_000 });
  const stages = status.data?.platform?.stages ?? [];
  const lag = stages.reduce((sum, stage) => sum + stage.lag, 0);
  const dead = status.data?.dead_letters_open ?? 0;
  const held = heldBack(status.data?.platform);
  return (
    <div className="health" aria-label="Health" role="group">
      {status.data && (
        <>
          <Item name="Pipeline" value={status.data.ready ? "ready" : "not ready"} bad={!status.data.ready} to="/admin/posture" />
          <Item name="Lag" value={`${formatNumber(lag)} records`} bad={lag > 100_000} to="/admin/posture" />
          <Item name="Dead letters" value={formatNumber(dead)} bad={dead > 0} to="/admin/dead-letters" />
          {held !== null && <Item name="Hosts held back" value={formatNumber(held)} bad={held > 0} to="/hosts" />}
        </>
      )}
      <Item name="Last data" value={lastData ? formatAgo(Math.min(lastData, now), now) : "none yet"} to="/hosts" />
      {alike(models.data?.models ?? []).map((one) => (
        <Item key={one.names.join()} name={one.names.length > 1 ? "Models" : "Model"} to="/admin/models" bad={one.signature === "invalid"}
          value={<><Text value={`${one.names.join(", ")} ${one.version}`} max={60} /> <span className="faint">{one.signature.replaceAll("_", " ")}</span></>} />
      ))}
    </div>
  );
}
