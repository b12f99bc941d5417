// The first look of the day: what happened in the range, and is the platform well.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { getSummary, getTechniques, getTimeline, listAlerts, listHosts, type SummaryResponse, type TimelineResponse } from "@/api";
import { useScope } from "@/app/scope";
import { evenParts } from "@/lib/range";
import { useCan } from "@/app/session";
import { useLastData } from "@/app/StatusStrip";
import { formatDuration, formatNumber, formatPercent, formatProb, formatTime, plural } from "@/lib/format";
import { axisLook, Chart, timeAxis, token, useChartRange } from "@/ui/Chart";
import { Page } from "@/ui/Page";
import { EmptyState, Loaded, Skeleton } from "@/ui/states";
import { StatTile } from "@/ui/StatTile";
import { Health } from "./Health";
import { NewestAlerts, Techniques, WorstHosts } from "./Lists";
import "./summary.css";


function share(part: number, of: number): string {
  return of ? `${formatPercent(part / of, part && part / of < 0.1 ? 1 : 0)} of verdicts` : "no verdicts";
}

type Buckets = TimelineResponse["buckets"];

function Tiles({ data, buckets }: { data: SummaryResponse; buckets: Buckets | undefined }) {
  const trend = (of: (bucket: Buckets[number]) => number | null) => buckets?.map(of) ?? undefined;
  const benign = trend((one) => one.inferences - one.attacks - one.errors);
  // A part without verdicts has no average: a gap, not a zero.
  const average = (of: (bucket: Buckets[number]) => number) => trend((one) => (one.inferences > one.errors ? of(one) : null));
  const known = data.total_inferences > data.total_errors;
  return (
    <div className="tiles">
      <StatTile label="Verdicts" value={formatNumber(data.total_inferences)} note={plural(data.hosts, "host")} to="/timeline"
        trend={trend((one) => one.inferences)} />
      <StatTile label="Attacks" value={formatNumber(data.total_attacks)} note={share(data.total_attacks, data.total_inferences)} to="/attacks"
        tone="attack" trend={trend((one) => one.attacks)} />
      <StatTile label="Benign" value={formatNumber(data.total_benign)} note={share(data.total_benign, data.total_inferences)} to="/distribution"
        params={{ prediction: "benign" }} trend={benign} />
      <StatTile label="Errors" value={formatNumber(data.total_errors)} note={data.total_errors ? "no verdict possible" : "none"} to="/attacks"
        params={{ prediction: "error" }} trend={trend((one) => one.errors)} />
      <StatTile label="Highest probability of attack" value={known ? formatProb(data.max_attack_probability) : "–"}
        note={known ? `average ${formatProb(data.avg_attack_probability)}` : "no verdicts"} to="/attacks" params={{ sort: "attack_prob" }}
        tone="attack" trend={average((one) => one.max_attack_prob)} />
      <StatTile label="Average confidence" value={known ? formatProb(data.avg_confidence) : "–"} note="of the verdicts given" to="/distribution"
        trend={average((one) => one.avg_confidence)} />
      <StatTile label="Time per verdict" value={known ? formatDuration(data.avg_inference_time_ms / 1000) : "–"} note="average" to="/analytics" params={{ tab: "models" }}
        trend={average((one) => one.avg_inference_time_ms)} />
      <StatTile label="Graph size" value={known ? formatNumber(data.avg_graph_nodes) : "–"}
        note={known ? `nodes, ${formatNumber(data.avg_graph_edges)} edges` : "no graphs"} to="/distribution"
        trend={average((one) => one.avg_graph_nodes)} />
    </div>
  );
}

function VerdictChart({ data }: { data: TimelineResponse }) {
  const { from, to, zone } = useChartRange();
  const { buckets } = data;
  const width = buckets.length > 1 ? (buckets[1]!.start ?? 0) - (buckets[0]!.start ?? 0) : 0;
  const option = useCallback(() => {
    const bar = (name: string, colour: string, of: (one: Buckets[number]) => number) => ({
      name, type: "bar", stack: "verdicts", color: token(colour), barCategoryGap: "15%", barMaxWidth: 14,
      // The middle of the bucket, so that a bar stands over its own time.
      data: buckets.map((one) => [((one.start ?? 0) + width / 2) * 1000, of(one)]),
    });
    return {
      xAxis: timeAxis(data.from ?? from, data.to ?? to, zone),
      yAxis: { type: "value", minInterval: 1, ...axisLook() },
      series: [
        bar("attack", "--chart-attack", (one) => one.attacks),
        bar("error", "--chart-error", (one) => one.errors),
        bar("benign", "--chart-benign", (one) => one.inferences - one.attacks - one.errors),
      ],
    };
  }, [buckets, data.from, data.to, from, to, width, zone]);
  const table = useMemo(
    () => ({
      header: ["From", "Attack", "Error", "Benign", "Highest probability"],
      rows: buckets
        .filter((one) => one.inferences)
        .map((one) => [
          formatTime(one.start, zone), one.attacks, one.errors, one.inferences - one.attacks - one.errors,
          Number(one.max_attack_prob.toFixed(4)),
        ]),
    }),
    [buckets, zone],
  );
  const attacks = buckets.reduce((sum, one) => sum + one.attacks, 0);
  return (
    <Chart
      title={`Verdicts per ${formatDuration(width)}`}
      description={`Verdicts over time in ${buckets.length} parts, ${plural(attacks, "attack")}. Drag to zoom; the table has the figures.`}
      option={option} table={table} height={232} brush
    />
  );
}

export default function Summary() {
  const { query, listQuery, range } = useScope();
  const buckets = evenParts(range);
  const can = useCan();
  const last = useLastData();
  const keep = { placeholderData: keepPreviousData };
  const summary = useQuery({ queryKey: ["summary", query], queryFn: ({ signal }) => getSummary(query, signal), ...keep });
  const timeline = useQuery({
    queryKey: ["timeline", query, buckets],
    queryFn: ({ signal }) => getTimeline({ ...query, buckets }, signal),
    ...keep,
  });
  const hosts = useQuery({
    queryKey: ["hosts", query, 8], queryFn: ({ signal }) => listHosts({ ...query, limit: 8 }, signal), ...keep,
  });
  const techniques = useQuery({ queryKey: ["techniques", query], queryFn: ({ signal }) => getTechniques(query, signal), ...keep });
  const alertQuery = { ...listQuery, status: ["open" as const], sort: "severity" as const, order: "desc" as const, limit: 8 };
  const alerts = useQuery({
    queryKey: ["alerts", alertQuery], queryFn: ({ signal }) => listAlerts(alertQuery, signal), enabled: can("alerts.read"), ...keep,
  });

  const stale = summary.isPlaceholderData || timeline.isPlaceholderData;
  const empty = summary.data?.total_inferences === 0;
  return (
    <Page title="Summary" note={stale ? "loading the new range…" : undefined}>
      <Health lastData={last} />
      <Loaded query={summary} what="The summary" skeleton={<Skeleton height={252} />}>
        {(data) => <Tiles data={data} buckets={timeline.data?.buckets} />}
      </Loaded>
      {empty ? (
        <EmptyState title="No verdicts in this range" lastData={last}>
          {last
            ? "Each host's events are judged in windows of a few minutes; none ended in the range shown."
            : "Nothing has been received yet. Send events with logster replay or point a collector at the platform."}
        </EmptyState>
      ) : (
        <>
          <Loaded query={timeline} what="The timeline" skeleton={<Skeleton height={280} />}>
            {(data) => <VerdictChart data={data} />}
          </Loaded>
          <div className="cards">
            <NewestAlerts query={alerts} />
            <WorstHosts query={hosts} />
            <Techniques query={techniques} />
          </div>
        </>
      )}
    </Page>
  );
}
