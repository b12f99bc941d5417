import { useQuery } from "@tanstack/react-query";
import { getAlertHistory, listSimilarAlerts, type AlertResponse } from "@/api";
import { formatProb, words } from "@/lib/format";
import { Link } from "@/ui/Link";
import { Severity } from "@/ui/Severity";
import { EmptyState, Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { StatusBadge } from "@/ui/triage/StatusBadge";

const ACTIONS: Record<string, string> = {
  created: "was created", status: "moved it", assignee: "assigned it", notes: "wrote a note", severity: "changed its severity",
};

/** Every step of the alert's life, newest first. */
export function History({ alert }: { alert: AlertResponse }) {
  const history = useQuery({
    queryKey: ["alert", alert.alert_id, "history", alert.version], queryFn: ({ signal }) => getAlertHistory(alert.alert_id, signal),
    placeholderData: (old) => old,
  });
  return (
    <Loaded query={history} what="The history">
      {(data) => (
        <ol className="history">
          {[...data.history].reverse().map((row, at) => (
            <li key={at}>
              <Time at={row.at} />
              <span><Text value={row.actor} max={60} /> <span className="faint">{ACTIONS[row.action] ?? words(row.action)}</span></span>
              <span>
                {(row.from !== null || row.to !== null) && (
                  <><Text value={words(row.from || "–")} max={60} /> → <Text value={words(row.to || "nobody")} max={60} /></>
                )}
                {row.notes && <span className="history-note"><Text value={row.notes} max={4000} wrap /></span>}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Loaded>
  );
}

export function useSimilar(id: string) {
  return useQuery({ queryKey: ["alerts", "similar", id], queryFn: ({ signal }) => listSimilarAlerts(id, 50, signal) });
}

export function Similar({ query }: { query: ReturnType<typeof useSimilar> }) {
  return (
    <Loaded query={query} what="Similar alerts">
      {(data) => data.alerts.length === 0 ? (
        <EmptyState title="No similar alert">None of the tenant has the same process or techniques.</EmptyState>
      ) : (
        <ul className="similar">
          {data.alerts.map((one) => (
            <li key={one.alert_id}>
              <Link to={`/alerts/${one.alert_id}`}>
                <Severity value={one.severity} /><Text value={one.title} max={160} />
                <span className="num">{formatProb(one.attack_prob)}</span><StatusBadge value={one.status} />
                <Text value={one.assignee} max={24} /><Time at={one.last_seen} ago />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
