import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getTimeline, listAlerts, type EndpointResponse } from "@/api";
import { useScope } from "@/app/scope";
import { useCan } from "@/app/session";
import { useLastData } from "@/app/StatusStrip";
import { receivedShare } from "@/lib/eventtext";
import { formatPercent, formatTotal, plural } from "@/lib/format";
import { evenParts } from "@/lib/range";
import { LedgerRows } from "@/ui/Ledger";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";
import { Severity } from "@/ui/Severity";
import { EmptyState, Loaded, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { VerdictsChart } from "../timeline/charts";

const SHOWN = 10;

function Alerts({ id }: { id: string }) {
  const { listQuery } = useScope();
  const query = { ...listQuery, endpoint: id, sort: "last_seen" as const, order: "desc" as const, limit: SHOWN };
  const alerts = useQuery({ queryKey: ["alerts", query], queryFn: ({ signal }) => listAlerts(query, signal), placeholderData: keepPreviousData });
  return (
    <Card
      title="Alerts in this range"
      actions={<Link to="/alerts" params={{ host: id }}>{alerts.data ? `All ${formatTotal(alerts.data.total, alerts.data.total_is_lower_bound)}` : "All"}</Link>}
    >
      <Loaded query={alerts} what="The alerts">
        {(data) => data.alerts.length === 0 ? <p className="faint">None.</p> : (
          <ul className="list">
            {data.alerts.map((alert) => (
              <li key={alert.alert_id}>
                <Link to={`/alerts/${encodeURIComponent(alert.alert_id)}`} className="host-alert">
                  <Severity value={alert.severity} />
                  <Text value={alert.title} max={100} />
                  <span className="faint">{alert.status.replace("_", " ")}</span>
                  <Time at={alert.last_seen} ago />
                </Link>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

function Ledger({ got }: { got: EndpointResponse }) {
  const { ledger } = got;
  const share = receivedShare(ledger);
  return (
    <Card title="What could not be seen">
      {ledger.windows === 0 ? <p className="faint">No window of this host ended in the range.</p> : (
        <>
          <p className="num">
            {plural(ledger.events, "event")} in {plural(ledger.windows, "window")}
            {share !== null && <>, <b>{formatPercent(share, share < 1 ? 1 : 0)}</b> of what is known of</>}.
            {ledger.range_incomplete && " There are more windows than were looked at."}
          </p>
          <LedgerRows ledger={ledger} />
        </>
      )}
    </Card>
  );
}

export function Overview({ got }: { got: EndpointResponse }) {
  const { query, range } = useScope();
  const buckets = evenParts(range);
  const id = got.endpoint.endpoint_id;
  const can = useCan();
  const last = useLastData();
  const asked = { ...query, host: id };
  const timeline = useQuery({
    queryKey: ["timeline", asked, buckets], queryFn: ({ signal }) => getTimeline({ ...asked, buckets }, signal), placeholderData: keepPreviousData,
  });
  return (
    <>
      <Loaded query={timeline} what="The timeline" skeleton={<Skeleton height={260} />}>
        {(data) => data.buckets.every((one) => one.inferences === 0) ? (
          <EmptyState title="No verdict on this host in this range" lastData={got.endpoint.last_seen ?? last}>It sent nothing then that made a window, or nothing has arrived.</EmptyState>
        ) : <VerdictsChart data={data} />}
      </Loaded>
      <div className="cards">
        {can("alerts.read", got.endpoint.tenant_id) && <Alerts id={id} />}
        <Ledger got={got} />
      </div>
    </>
  );
}
