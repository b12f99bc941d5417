import type { UseQueryResult } from "@tanstack/react-query";
import type { AlertListResponse, HostsResponse, TechniquesResponse } from "@/api";
import { formatNumber, formatProb, formatTotal } from "@/lib/format";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";
import { Severity } from "@/ui/Severity";
import { Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";

const SHOWN = 8;

export function NewestAlerts({ query }: { query: UseQueryResult<AlertListResponse> }) {
  const total = query.data ? formatTotal(query.data.total, query.data.total_is_lower_bound) : "";
  return (
    <Card title="Open alerts" actions={<Link to="/alerts" params={{ status: "open" }}>{total ? `All ${total} in this range` : "All"}</Link>}>
      <Loaded query={query} what="The alerts">
        {(data) =>
          data.alerts.length === 0 ? (
            <p className="faint">No open alert in this range.</p>
          ) : (
            <ul className="list">
              {data.alerts.map((alert) => (
                <li key={alert.alert_id}>
                  <Link to={`/alerts/${alert.alert_id}`} className="list-row list-alert">
                    <Severity value={alert.severity} />
                    <Text value={alert.title} max={120} />
                    <Time at={alert.last_seen} ago />
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}

export function WorstHosts({ query }: { query: UseQueryResult<HostsResponse> }) {
  return (
    <Card title="Hosts by attack probability" actions={<Link to="/hosts">{query.data ? `All ${formatNumber(query.data.total)}` : "All"}</Link>}>
      <Loaded query={query} what="The hosts">
        {(data) => data.hosts.length === 0 ? (
          <p className="faint">No host has a verdict in this range.</p>
        ) : (
          <ul className="list">
            {data.hosts.slice(0, SHOWN).map((host) => (
              <li key={`${host.tenant_id}/${host.endpoint_id}`} className="list-row list-host">
                <Value field="host" value={host.endpoint_id} max={36} middle />
                <span className="bar" aria-hidden="true">
                  <span className={host.total_attacks ? "bar-attack" : ""} style={{ width: `${Math.max(1, host.max_attack_prob * 100)}%` }} />
                </span>
                <span className="num">{formatProb(host.max_attack_prob)}</span>
                {host.alerts_active ? (
                  <Link to="/alerts" params={{ host: host.endpoint_id }} className="num">
                    {formatNumber(host.alerts_active)} open
                  </Link>
                ) : (
                  <span className="faint">–</span>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

export function Techniques({ query }: { query: UseQueryResult<TechniquesResponse> }) {
  return (
    <Card title="Techniques in attacks" actions={<Link to="/analytics">ATT&CK matrix</Link>}>
      <Loaded query={query} what="The techniques">
        {(data) => {
          const most = Math.max(1, ...data.techniques.map((one) => one.attacks));
          return data.techniques.length === 0 ? (
            <p className="faint">No technique was seen in an attack verdict.</p>
          ) : (
            <ul className="list">
              {data.techniques.slice(0, SHOWN).map((one) => (
                <li key={one.technique} className="list-row list-technique">
                  <Value field="technique" value={one.technique} mono />
                  <Text value={one.tactic} max={40} />
                  <span className="bar" aria-hidden="true">
                    <span className="bar-attack" style={{ width: `${(one.attacks / most) * 100}%` }} />
                  </span>
                  <Link to="/attacks" params={{ technique: one.technique }} className="num" aria-label={`${one.attacks} attacks with ${one.technique}`}>
                    {formatNumber(one.attacks)}
                  </Link>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Card>
  );
}
