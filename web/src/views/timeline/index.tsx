// Attacks and volume over time: drag to zoom, click through to the rows.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getTimeline, listInferences } from "@/api";
import { useAddress, useParam, useScope } from "@/app/scope";
import { useLastData } from "@/app/StatusStrip";
import { formatTotal, plural } from "@/lib/format";
import { formatPoint, moveRange } from "@/lib/range";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/Field";
import { Link } from "@/ui/Link";
import { Card, Page } from "@/ui/Page";
import { EmptyState, Loaded, Skeleton } from "@/ui/states";
import { VerdictTable } from "../attacks/VerdictTable";
import { ProbabilityChart, VerdictsChart, VolumeChart } from "./charts";
import "./timeline.css";

const PARTS = [48, 96, 192, 384];
const SHOWN = 8;
const ROW = 32;

function Move() {
  const { range } = useScope();
  const [, set] = useAddress();
  const move = (by: -1 | 0 | 1) => {
    if (!range) return;
    const next = moveRange(range, by);
    set({ from: formatPoint(next.from), to: formatPoint(next.to) });
  };
  return (
    <>
      <Button kind="quiet" aria-label="Earlier" title="The same length of time before" onClick={() => move(-1)}>←</Button>
      <Button kind="quiet" title="Twice as long a range" onClick={() => move(0)}>Zoom out</Button>
      <Button kind="quiet" aria-label="Later" title="The same length of time after" onClick={() => move(1)}>→</Button>
    </>
  );
}

export default function Timeline() {
  const { query, listQuery } = useScope();
  const [parts, setParts] = useParam("parts", "96");
  const last = useLastData();
  const buckets = PARTS.includes(Number(parts)) ? Number(parts) : 96;
  const timeline = useQuery({
    queryKey: ["timeline", query, buckets],
    queryFn: ({ signal }) => getTimeline({ ...query, buckets }, signal),
    placeholderData: keepPreviousData,
  });
  const attackQuery = { ...listQuery, prediction: ["attack" as const], sort: "time" as const, order: "desc" as const, limit: SHOWN };
  const attacks = useQuery({
    queryKey: ["inferences", "newest", attackQuery],
    queryFn: ({ signal }) => listInferences(attackQuery, signal),
    placeholderData: keepPreviousData,
  });
  const total = timeline.data?.buckets.reduce((sum, one) => sum + one.inferences, 0);
  const found = timeline.data?.buckets.reduce((sum, one) => sum + one.attacks, 0) ?? 0;
  const note = timeline.isPlaceholderData ? "loading the new range…"
    : total === undefined ? undefined : `${plural(total, "verdict")}, ${plural(found, "attack")}`;
  return (
    <Page title="Timeline" note={note}
      actions={
        <>
          <Move />
          <Select label="Parts" hideLabel title="Parts of the range" value={String(buckets)} options={PARTS.map((one) => ({ value: String(one), label: `${one} parts` }))}
            onChange={(event) => setParts(event.target.value)} />
        </>
      }>
      <Loaded query={timeline} what="The timeline" skeleton={<Skeleton height={280} />}>
        {(data) => total === 0 ? (
          <EmptyState title="No verdicts in this range" lastData={last}>Each host's events are judged in windows of a few minutes; none ended in the range shown.</EmptyState>
        ) : (
          <>
            <VerdictsChart data={data} />
            <div className="timeline-pair">
              <ProbabilityChart data={data} />
              <VolumeChart data={data} />
            </div>
            <Card title="Newest attacks in the range" actions={attacks.data && <Link to="/attacks">All {formatTotal(attacks.data.total, attacks.data.total_is_lower_bound)}</Link>}>
              <Loaded query={attacks} what="The attacks">
                {(page) => page.inferences.length
                  ? <VerdictTable label="Newest attacks" rows={page.inferences} height={(page.inferences.length + 1) * ROW + 4} />
                  : <p className="faint">No attack in this range.</p>}
              </Loaded>
            </Card>
          </>
        )}
      </Loaded>
    </Page>
  );
}
