// How good the models were when they were trained, and how they do in the range shown.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { getTimeline, listModels, type ModelList, type TimelineResponse } from "@/api";
import { useScope } from "@/app/scope";
import { useCan } from "@/app/session";
import { formatDuration, formatNumber, formatPercent, formatProb, formatTime, words } from "@/lib/format";
import { axisLook, Chart, timeAxis, token, useChartRange } from "@/ui/Chart";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";
import { Facts } from "@/ui/Panel";
import { Loaded, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";

type Model = ModelList["models"][number];

const METRICS: Record<string, string> = {
  auc: "area under the ROC curve", ap: "average precision", window_recall_at_1pct: "windows found at 1 % false alarms",
  capture_recall_at_1pct: "captures found at 1 % false alarms",
};

function numberIn(from: unknown, name: string): number | null {
  const value = from && typeof from === "object" ? (from as Record<string, unknown>)[name] : null;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A bar from 0 to 1 beside its figure. */
function Measure({ name, value }: { name: string; value: number }) {
  return (
    <li>
      <span>{METRICS[name] ?? words(name)}</span>
      <span className="groups-bar" aria-hidden="true"><span className="measure" style={{ width: `${Math.max(0, Math.min(1, value)) * 100}%` }} /></span>
      <span className="num">{value <= 1 ? formatPercent(value, 1) : formatNumber(value, 2)}</span>
    </li>
  );
}

function ModelCard({ model }: { model: Model }) {
  const { training } = model;
  const metrics = training?.metrics && typeof training.metrics === "object" ? Object.keys(training.metrics) : [];
  const measured = metrics.flatMap((name) => {
    const value = numberIn(training?.metrics, name);
    return value === null ? [] : [{ name, value }];
  });
  const captures = Array.isArray(training?.captures) ? training.captures.length : null;
  const folds = numberIn(training, "folds");
  return (
    <Card title={<><Text value={model.name} max={40} /> <span className="faint"><Text value={model.version} max={40} /></span></>}
      actions={<Link to="/admin/models">Digest and signature</Link>}>
      {model.experimental && <p className="warn">▲ Experimental: too little recorded data to be sure of it.</p>}
      {measured.length
        ? <ul className="measures">{measured.map((one) => <Measure key={one.name} {...one} />)}</ul>
        : <p className="faint">The model file tells no metrics.</p>}
      <Facts items={[
        ["threshold", <span key="t" className="num">{formatProb(model.threshold)} and above is an attack</span>],
        captures !== null && ["trained on", <span key="c" className="num">{formatNumber(captures)} captures{folds ? `, each judged by a model that had not seen it (${formatNumber(folds)} folds)` : ""}</span>],
        ["signature", words(model.signature)],
        ["loaded", <Time key="l" at={model.loaded_at} />],
      ]} />
    </Card>
  );
}

type Bucket = TimelineResponse["buckets"][number];

function Lines({ data, title, name, of, show }: {
  data: TimelineResponse; title: string; name: string; of: (one: Bucket) => number; show: (value: number) => string;
}) {
  const { from, to, zone } = useChartRange();
  const { buckets } = data;
  const width = buckets.length > 1 ? (buckets[1]!.start ?? 0) - (buckets[0]!.start ?? 0) : 0;
  const option = useCallback(() => ({
    legend: { show: false }, grid: { top: 12 },
    xAxis: { ...timeAxis(data.from ?? from, data.to ?? to, zone), splitNumber: 3 },
    yAxis: { type: "value", min: 0, ...axisLook(), axisLabel: { color: token("--faint"), formatter: show } },
    tooltip: { valueFormatter: (value: unknown) => (typeof value === "number" ? show(value) : "–") },
    series: [{
      name, type: "line", color: token("--chart-1"), symbolSize: 4, lineStyle: { width: 1.5 },
      data: buckets.map((one) => [((one.start ?? 0) + width / 2) * 1000, one.inferences > one.errors ? of(one) : null]),
    }],
  }), [buckets, data.from, data.to, from, to, width, zone, name, of, show]);
  const table = useMemo(() => ({
    header: ["From", name], rows: buckets.filter((one) => one.inferences > one.errors).map((one) => [formatTime(one.start, zone), Number(of(one).toFixed(4))]),
  }), [buckets, zone, name, of]);
  return <Chart title={title} description={`${title} over time. Drag to zoom; the table has the figures.`} height={170} brush option={option} table={table} />;
}

const confidence = (one: Bucket) => one.avg_confidence;
const spent = (one: Bucket) => one.avg_inference_time_ms;
const errors = (one: Bucket) => one.errors / one.inferences;
const showMs = (value: number) => formatDuration(value / 1000);
const showShare = (value: number) => formatPercent(value);

export function Models() {
  const { query } = useScope();
  const can = useCan();
  const models = useQuery({ queryKey: ["models"], queryFn: ({ signal }) => listModels(signal), enabled: can("models.read"), staleTime: 60_000 });
  const timeline = useQuery({ queryKey: ["timeline", query, 96], queryFn: ({ signal }) => getTimeline({ ...query, buckets: 96 }, signal) });
  return (
    <>
      {can("models.read") && (
        <Loaded query={models} what="The models" skeleton={<Skeleton height={260} />}>
          {(data) => <div className="model-cards">{data.models.map((model) => <ModelCard key={`${model.name}${model.sha256}`} model={model} />)}</div>}
        </Loaded>
      )}
      <Loaded query={timeline} what="Their work over time" skeleton={<Skeleton height={220} />}>
        {(data) => (
          <div className="model-lines">
            <Lines data={data} title="Average confidence" name="confidence" of={confidence} show={formatProb} />
            <Lines data={data} title="Average time per verdict" name="time" of={spent} show={showMs} />
            <Lines data={data} title="Windows without a verdict" name="share" of={errors} show={showShare} />
          </div>
        )}
      </Loaded>
    </>
  );
}
