import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { getEndpoint } from "@/api";
import { useScope } from "@/app/scope";
import { ledgerGaps, receivedShare } from "@/lib/eventtext";
import { formatNumber, formatPercent, formatProb, words } from "@/lib/format";
import type { HostRow } from "@/lib/hosts";
import type { Column } from "@/ui/DataTable";
import { Link } from "@/ui/Link";
import { Severity } from "@/ui/Severity";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";

/** A host that says nothing for so long while the range is not over is marked. */
const QUIET_AFTER = 900;
/** Rows that only fly by while scrolling do not ask. */
const ASK_AFTER_MS = 250;

/** The probability over the range, on a scale of 0 to 1, so that rows can be compared. */
function ProbTrend({ values }: { values: ReadonlyArray<number | null> | undefined }) {
  if (!values?.length) return null;
  const width = 100 / values.length;
  return (
    <svg className="prob-trend" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      {values.map((value, at) =>
        value === null ? null : (
          <rect key={at} x={at * width + 0.2} width={width - 0.4} y={20 - Math.max(1, value * 20)} height={Math.max(1, value * 20)} className={value >= 0.5 ? "prob-high" : ""} />
        ),
      )}
    </svg>
  );
}

/** Part of the host's events that reached a verdict, from its ledger; asked for rows in sight. */
function Received({ row }: { row: HostRow }) {
  const { query } = useScope();
  const [ask, setAsk] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setAsk(true), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  const range = { tenant_id: row.tenant_id, from: query.from, to: query.to };
  const got = useQuery({
    queryKey: ["endpoint", row.endpoint_id, range], queryFn: ({ signal }) => getEndpoint(row.endpoint_id, range, signal),
    enabled: ask && !row.silent, staleTime: 300_000, retry: false,
  });
  const share = receivedShare(got.data?.ledger);
  if (share === null) return <span className="faint">{got.isPending && !row.silent ? "" : "–"}</span>;
  const why = ledgerGaps(got.data?.ledger).map(([name, count]) => `${formatNumber(count)} ${words(name).toLowerCase()}`).join(", ");
  return (
    <span className={share < 0.95 ? "host-gap" : undefined} title={why || "nothing is known to be missing"}>
      {share < 0.95 && <span aria-hidden="true">▲ </span>}
      {formatPercent(share, share < 1 && share > 0.9 ? 1 : 0)}
    </span>
  );
}

function LastSeen({ row, now }: { row: HostRow; now: number }) {
  const quiet = row.silent || (row.last_seen !== null && now - row.last_seen > QUIET_AFTER);
  return (
    <span>
      <Time at={row.last_seen} ago />
      {quiet && <span className="host-quiet">{row.silent ? "silent" : "quiet"}</span>}
    </span>
  );
}

export function hostColumns(several: boolean, now: number): Array<Column<HostRow>> {
  return [
    {
      id: "host", header: "Host", width: "minmax(130px, 3fr)", sortBy: "endpoint_id",
      cell: (row) => (
        <span className="host-name">
          <Value field="host" value={row.endpoint_id} max={40} middle />
          {row.hostname && row.hostname !== row.endpoint_id && <span className="faint"><Text value={row.hostname} max={48} /></span>}
        </span>
      ),
    },
    ...(several ? [{ id: "tenant", header: "Tenant", width: "100px", cell: (row: HostRow) => <Text value={row.tenant_id} max={24} /> }] : []),
    {
      id: "prob", header: "Probability", width: "130px", sortBy: "max_attack_prob",
      cell: (row) => row.silent ? <span className="faint">no verdict</span> : (
        <span className="host-prob">
          <span className="bar" aria-hidden="true"><span className={row.total_attacks ? "bar-attack" : ""} style={{ width: `${Math.max(1, row.max_attack_prob * 100)}%` }} /></span>
          <span className="num">{formatProb(row.max_attack_prob)}</span>
        </span>
      ),
    },
    { id: "trend", header: "Trend", width: "minmax(66px, 1fr)", cell: (row) => <ProbTrend values={row.trend} /> },
    {
      id: "attacks", header: "Attacks", width: "68px", align: "end", sortBy: "total_attacks",
      cell: (row) => row.silent ? <span className="faint">–</span> : (
        <Link to="/attacks" params={{ host: row.endpoint_id }} onClick={(event) => event.stopPropagation()} title={`of ${formatNumber(row.total_inferences)} verdicts`}>
          {formatNumber(row.total_attacks)}
        </Link>
      ),
    },
    {
      id: "alerts", header: "Alerts", width: "60px", align: "end", sortBy: "alerts_active",
      cell: (row) => row.alerts_active === 0 ? <span className="faint">–</span> : (
        <Link to="/alerts" params={{ host: row.endpoint_id }} onClick={(event) => event.stopPropagation()}>{formatNumber(row.alerts_active)}</Link>
      ),
    },
    { id: "severity", header: "Worst", width: "82px", sortBy: "severity", cell: (row) => <Severity value={row.worst_active_severity} /> },
    { id: "platform", header: "Platform", width: "66px", sortBy: "platform", cell: (row) => <Text value={row.platform} max={16} /> },
    { id: "seen", header: "Last seen", width: "126px", sortBy: "last_seen", cell: (row) => <LastSeen row={row} now={now} /> },
    { id: "received", header: "Received", width: "74px", align: "end", cell: (row) => <Received row={row} /> },
  ];
}
