import { useCallback, useMemo } from "react";
import type { TimelineResponse } from "@/api";
import { formatCompact, formatDuration, formatProb, formatTime, plural } from "@/lib/format";
import { formatPoint } from "@/lib/range";
import { axisLook, Chart, timeAxis, token, useChartRange } from "@/ui/Chart";
import { useGo } from "@/ui/Link";

type Bucket = TimelineResponse["buckets"][number];

export function widthOf(data: TimelineResponse): number {
  const [first, second] = data.buckets;
  return first && second ? (second.start ?? 0) - (first.start ?? 0) : (data.to ?? 0) - (data.from ?? 0);
}

const benign = (one: Bucket) => one.inferences - one.attacks - one.errors;
const judged = (one: Bucket) => one.inferences > one.errors;

function useAxes(data: TimelineResponse) {
  const { from, to, zone } = useChartRange();
  const width = widthOf(data);
  const start = data.from ?? from;
  const end = data.to ?? to;
  // Over the middle of its bucket.
  const at = useCallback((one: Bucket) => ((one.start ?? 0) + width / 2) * 1000, [width]);
  const axis = useCallback(() => timeAxis(start, end, zone), [start, end, zone]);
  return { width, zone, at, axis };
}

/** A click on a bar: the rows of its bucket. */
function useRows(data: TimelineResponse) {
  const go = useGo();
  const width = widthOf(data);
  return useCallback(
    (point: { seriesName: string; dataIndex: number }) => {
      const start = data.buckets[point.dataIndex]?.start;
      if (start === null || start === undefined) return;
      const prediction = ["benign", "error"].includes(point.seriesName) ? point.seriesName : null;
      go("/attacks", { from: formatPoint(start), to: formatPoint(start + width), prediction });
    },
    [data, width, go],
  );
}

export function VerdictsChart({ data }: { data: TimelineResponse }) {
  const { width, zone, at, axis } = useAxes(data);
  const rows = useRows(data);
  const { buckets } = data;
  const option = useCallback(() => {
    const bar = (name: string, colour: string, of: (one: Bucket) => number) => ({
      name, type: "bar", stack: "verdicts", color: token(colour), barCategoryGap: "12%", barMaxWidth: 18, cursor: "pointer",
      data: buckets.map((one) => [at(one), of(one)]),
    });
    return {
      xAxis: axis(), yAxis: { type: "value", minInterval: 1, name: "verdicts", ...axisLook() },
      series: [bar("attack", "--chart-attack", (one) => one.attacks), bar("error", "--chart-error", (one) => one.errors), bar("benign", "--chart-benign", benign)],
    };
  }, [buckets, at, axis]);
  const table = useMemo(() => ({
    header: ["From", "Attack", "Error", "Benign", "Hosts"],
    rows: buckets.filter((one) => one.inferences).map((one) => [formatTime(one.start, zone), one.attacks, one.errors, benign(one), one.hosts]),
  }), [buckets, zone]);
  const attacks = buckets.reduce((sum, one) => sum + one.attacks, 0);
  return (
    <Chart title={`Verdicts per ${formatDuration(width)}`} height={240} brush onClick={rows} option={option} table={table}
      description={`Verdicts over time, ${plural(attacks, "attack")}. Drag to zoom, click a bar for its rows; the table has the figures.`} />
  );
}

export function ProbabilityChart({ data }: { data: TimelineResponse }) {
  const { zone, at, axis } = useAxes(data);
  const { buckets } = data;
  const option = useCallback(() => {
    const shown = (of: (one: Bucket) => number) => buckets.map((one) => [at(one), judged(one) ? of(one) : null]);
    return {
      xAxis: axis(), yAxis: { type: "value", min: 0, max: 1, name: "probability", ...axisLook() },
      tooltip: { valueFormatter: (value: unknown) => (typeof value === "number" ? formatProb(value) : "–") },
      series: [
        { name: "highest", type: "bar", color: token("--chart-attack"), barMaxWidth: 6, data: shown((one) => one.max_attack_prob) },
        { name: "average", type: "line", color: token("--chart-1"), symbolSize: 4, lineStyle: { width: 1.5 }, data: shown((one) => one.avg_attack_prob) },
      ],
    };
  }, [buckets, at, axis]);
  const table = useMemo(() => ({
    header: ["From", "Highest", "Average", "Average confidence"],
    rows: buckets.filter(judged).map((one) => [
      formatTime(one.start, zone), Number(one.max_attack_prob.toFixed(4)), Number(one.avg_attack_prob.toFixed(4)), Number(one.avg_confidence.toFixed(4)),
    ]),
  }), [buckets, zone]);
  return (
    <Chart title="Probability of attack" height={180} brush option={option} table={table}
      description="Highest and average probability of attack over time. Drag to zoom; the table has the figures." />
  );
}

export function VolumeChart({ data }: { data: TimelineResponse }) {
  const { zone, at, axis } = useAxes(data);
  const { buckets } = data;
  const option = useCallback(() => ({
    xAxis: axis(), yAxis: { type: "value", minInterval: 1, name: "graph parts", ...axisLook(), axisLabel: { color: token("--faint"), formatter: formatCompact } },
    tooltip: { valueFormatter: (value: unknown) => (typeof value === "number" ? formatCompact(value) : "–") },
    series: [
      { name: "nodes", type: "bar", stack: "size", color: token("--chart-2"), barMaxWidth: 18, barCategoryGap: "12%",
        data: buckets.map((one) => [at(one), Math.round(one.avg_graph_nodes * one.inferences)]) },
      { name: "edges", type: "bar", stack: "size", color: token("--chart-5"), barMaxWidth: 18, barCategoryGap: "12%",
        data: buckets.map((one) => [at(one), Math.round(one.avg_graph_edges * one.inferences)]) },
    ],
  }), [buckets, at, axis]);
  const table = useMemo(() => ({
    header: ["From", "Nodes", "Edges", "Verdicts", "Hosts"],
    rows: buckets.filter((one) => one.inferences).map((one) => [
      formatTime(one.start, zone), Math.round(one.avg_graph_nodes * one.inferences), Math.round(one.avg_graph_edges * one.inferences), one.inferences, one.hosts,
    ]),
  }), [buckets, zone]);
  return (
    <Chart title="Volume judged" height={180} brush option={option} table={table}
      description="Nodes and edges of the graphs judged over time. Drag to zoom; the table has the figures." />
  );
}
