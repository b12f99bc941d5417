import { useQuery } from "@tanstack/react-query";
import { getPosture, getStatus } from "@/api";
import { formatBytes, formatDuration, formatNumber, plural } from "@/lib/format";
import { Card } from "@/ui/Page";
import { Facts } from "@/ui/Panel";
import { Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";

function Checks() {
  const query = useQuery({ queryKey: ["posture"], queryFn: ({ signal }) => getPosture(signal) });
  return (
    <Loaded query={query} what="The posture">
      {(data) => (
        <Card title={data.problems ? `${plural(data.problems, "thing")} to look after` : "Nothing asks for attention"}>
          <ul className="admin-checks">
            {[...data.checks].sort((a, b) => Number(a.ok) - Number(b.ok)).map((one) => (
              <li key={one.check} className={one.ok ? undefined : "admin-check-bad"}>
                <span className="admin-check-mark">{one.ok ? "✓ ok" : "▲ look"}</span>
                <Text value={one.check} max={120} wrap />
                <Text value={one.text} max={600} wrap />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Loaded>
  );
}

function Stages() {
  const query = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => getStatus(signal), refetchInterval: 15_000 });
  return (
    <Loaded query={query} what="The status">
      {(data) => (
        <Card title="Pipeline">
          <Facts
            items={[
              ["Version", <Text key="v" value={data.version} />],
              ["Up for", formatDuration(data.uptime_seconds)],
              ["Ready", data.ready ? "✓ yes" : <Text key="r" value={`▲ no: ${data.not_ready_because ?? "starting"}`} />],
              data.platform?.bus ? ["Log on disk", formatBytes(data.platform.bus.disk_bytes)] : null,
            ]}
          />
          <table className="admin-stages">
            <thead>
              <tr><th>Stage</th><th>Workers</th><th>Records</th><th>Lag</th><th>Retrying</th><th>Dead letters</th></tr>
            </thead>
            <tbody>
              {(data.platform?.stages ?? []).map((stage) => (
                <tr key={stage.name}>
                  <th scope="row"><Text value={stage.name} /></th>
                  {[stage.workers, stage.records, stage.lag, stage.retrying, stage.dead_letters].map((figure, at) => (
                    <td key={at} className="num">{formatNumber(figure)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      )}
    </Loaded>
  );
}

/** What `logster doctor` would say of the running platform, and how its stages are doing. */
export function PostureChecks() {
  return (
    <div className="admin-scroll" tabIndex={0} role="region" aria-label="Posture">
      <Checks />
      <Stages />
    </div>
  );
}
