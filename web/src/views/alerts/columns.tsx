import type { AlertResponse } from "@/api";
import { formatNumber, formatProb } from "@/lib/format";
import type { Column } from "@/ui/DataTable";
import { Link } from "@/ui/Link";
import { Severity } from "@/ui/Severity";
import { StatusBadge } from "@/ui/triage/StatusBadge";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";

const TECHNIQUES_SHOWN = 1;

/** Narrow windows leave out what the alert's page says again; `room` is how many of such columns fit. */
export function queueColumns(room: number, manyTenants: boolean): Column<AlertResponse>[] {
  const all: Array<Column<AlertResponse> | false> = [
    { id: "severity", header: "Severity", width: "84px", sortBy: "severity", cell: (row) => <Severity value={row.severity} /> },
    {
      id: "title", header: "Alert", width: "minmax(200px, 3fr)",
      cell: (row) => (
        <Link to={`/alerts/${row.alert_id}`} className="queue-title" tabIndex={-1}>
          <Text value={row.title} max={200} />
        </Link>
      ),
    },
    manyTenants && { id: "tenant", header: "Tenant", width: "minmax(72px, 0.7fr)", cell: (row) => <Text value={row.tenant_id} max={40} /> },
    { id: "host", header: "Host", width: "minmax(96px, 1fr)", cell: (row) => <Value field="host" value={row.endpoint_id} max={30} middle /> },
    room > 1 && {
      id: "user", header: "User", width: "minmax(96px, 1fr)", cell: (row) => <Value field="user" value={row.user} max={30} middle />,
    },
    room > 0 && { id: "techniques", header: "Techniques", width: "minmax(108px, 0.8fr)", cell: (row) => <Techniques ids={row.ttp_techniques} /> },
    {
      id: "prob", header: "Prob.", width: "52px", align: "end", sortBy: "attack_prob",
      cell: (row) => <span className="num">{formatProb(row.attack_prob)}</span>,
    },
    {
      id: "times", header: "Seen", width: "52px", align: "end", sortBy: "occurrences",
      cell: (row) => <span className="num" title="Verdicts that are this alert">×{formatNumber(row.occurrences)}</span>,
    },
    { id: "status", header: "Status", width: "112px", cell: (row) => <StatusBadge value={row.status} /> },
    {
      id: "assignee", header: "Assignee", width: "minmax(72px, 0.7fr)",
      cell: (row) => (row.assignee ? <Value field="assignee" value={row.assignee} max={24} /> : <span className="faint">–</span>),
    },
    { id: "last", header: "Last seen", width: "88px", align: "end", sortBy: "last_seen", cell: (row) => <Time at={row.last_seen} ago /> },
  ];
  return all.filter((column): column is Column<AlertResponse> => column !== false);
}

function Techniques({ ids }: { ids: readonly string[] }) {
  if (!ids.length) return <span className="faint">–</span>;
  const rest = ids.length - TECHNIQUES_SHOWN;
  return (
    <span className="row" title={ids.join(", ")}>
      {ids.slice(0, TECHNIQUES_SHOWN).map((id) => <Value key={id} field="technique" value={id} mono />)}
      {rest > 0 && <span className="faint">+{rest}</span>}
    </span>
  );
}
