import { useCallback, useMemo } from "react";
import type { ModelList } from "@/api";
import { formatCompact, formatNumber, formatProb, plural } from "@/lib/format";
import type { Bin } from "@/lib/verdicts";
import { axisLook, Chart, token } from "@/ui/Chart";
import { useGo } from "@/ui/Link";

const KINDS = [["attack", "--chart-attack"], ["error", "--chart-error"], ["benign", "--chart-benign"]] as const;

function tableOf(bins: readonly Bin[], show: (value: number) => string) {
  return {
    header: ["From", "To", "Attack", "Error", "Benign"],
    rows: bins.map((bin) => [show(bin.from), show(bin.to), ...KINDS.map(([name]) => bin.counts[name] ?? 0)]),
  };
}

function series(bins: readonly Bin[]) {
  return KINDS.filter(([name]) => bins.some((bin) => bin.counts[name])).map(([name, colour]) => ({
    name, type: "bar", stack: "verdicts", color: token(colour), barCategoryGap: "6%", cursor: "pointer",
    data: bins.map((bin) => bin.counts[name] ?? 0),
  }));
}

function categories(labels: string[], name: string) {
  const look = axisLook();
  return { type: "category", data: labels, name, nameLocation: "middle", nameGap: 26, ...look, nameTextStyle: { color: token("--faint") } };
}

/** Where models draw the line. */
function thresholds(models: ModelList["models"]) {
  return models.map((model) => ({
    xAxis: model.threshold,
    label: { formatter: `${model.name} ${formatProb(model.threshold)}`, color: token("--text-2"), rotate: 0, fontSize: 11 },
  }));
}

export function ProbabilityHistogram({ bins, models }: { bins: readonly Bin[]; models: ModelList["models"] }) {
  const go = useGo();
  const option = useCallback(() => {
    const middle = (at: number) => (bins[at]!.from + bins[at]!.to) / 2;
    const all = series(bins).map((one) => ({ ...one, barWidth: "94%", data: one.data.map((value, at) => [middle(at), value] as unknown) }));
    const last = all[all.length - 1];
    if (last && models.length) {
      Object.assign(last, {
        markLine: {
          symbol: "none", silent: true, animation: false, lineStyle: { color: token("--text-2"), type: "dashed", width: 1 },
          data: thresholds(models),
        },
      });
    }
    return {
      grid: { bottom: 26, top: 40 },
      xAxis: {
        type: "value", min: 0, max: 1, interval: 0.1, ...axisLook(), splitLine: { show: false },
        name: "probability of attack", nameLocation: "middle", nameGap: 26,
      },
      yAxis: { type: "value", minInterval: 1, ...axisLook(), axisLabel: { color: token("--faint"), formatter: formatCompact } },
      tooltip: { valueFormatter: (value: unknown) => (typeof value === "number" ? formatNumber(value) : "–") },
      series: all,
    };
  }, [bins, models]);
  const table = useMemo(() => tableOf(bins, (value) => value.toFixed(2)), [bins]);
  const open = useCallback((point: { dataIndex: number; seriesName: string }) => {
    const bin = bins[point.dataIndex];
    if (bin) go("/attacks", { min_prob: bin.from ? bin.from.toFixed(2) : null, sort: "attack_prob", order: "asc", prediction: point.seriesName === "attack" ? null : point.seriesName });
  }, [bins, go]);
  return (
    <Chart title="Probability of attack" height={260} option={option} table={table} onClick={open}
      description="Verdicts by probability of attack, with the models' thresholds. Click a bar for verdicts from there on; the table has the figures." />
  );
}

export function SizeHistogram({ title, unit, bins }: { title: string; unit: string; bins: readonly Bin[] }) {
  const option = useCallback(() => ({
    grid: { bottom: 26 },
    xAxis: categories(bins.map((bin) => formatCompact(bin.from)), `${unit}, from`),
    yAxis: { type: "value", minInterval: 1, ...axisLook(), axisLabel: { color: token("--faint"), formatter: formatCompact } },
    series: series(bins).map((one) => ({ ...one, cursor: "default" })),
  }), [bins, unit]);
  const table = useMemo(() => tableOf(bins, (value) => formatNumber(value)), [bins]);
  return (
    <Chart title={title} height={200} option={option} table={table}
      description={`Verdicts by ${unit}, in ${plural(bins.length, "part")} that double in size. The table has the figures.`} />
  );
}
