// How right alerts were, by what analysts said of them.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, type ReactNode } from "react";
import { getFeedbackQuality, FEEDBACK_EXPORT, type FeedbackQuality, type Judged } from "@/api";
import { useScope } from "@/app/scope";
import { useCan } from "@/app/session";
import { techniqueName } from "@/lib/attack";
import { formatNumber, formatPercent, formatTime, plural } from "@/lib/format";
import { axisLook, Chart, timeAxis, token, useChartRange } from "@/ui/Chart";
import { Card } from "@/ui/Page";
import { Severity } from "@/ui/Severity";
import { EmptyState, Loaded, Skeleton } from "@/ui/states";
import { Value } from "@/ui/Value";

const PARTS = 30;
const SHOWN = 20;

function JudgedTable({ title, head, rows, name }: { title: string; head: string; rows: readonly Judged[]; name: (row: Judged) => ReactNode }) {
  return (
    <Card title={title}>
      <table className="judged">
        <thead>
          <tr><th scope="col">{head}</th><th scope="col">Right</th><th scope="col">False alarms</th><th scope="col">Precision</th></tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              <th scope="row">{name(row)}</th>
              <td className="num">{formatNumber(row.true_positives)}</td>
              <td className="num">{formatNumber(row.false_positives)}</td>
              <td className="num">{formatPercent(row.precision)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function OverTime({ data }: { data: FeedbackQuality }) {
  const { from, to, zone } = useChartRange();
  const { over_time: parts } = data;
  const width = parts.length > 1 ? (parts[1]!.start ?? 0) - (parts[0]!.start ?? 0) : 0;
  const option = useCallback(() => {
    const bar = (name: string, colour: string, of: (one: Judged) => number) => ({
      name, type: "bar", stack: "said", color: token(colour), barMaxWidth: 18,
      data: parts.map((one) => [((one.start ?? 0) + width / 2) * 1000, of(one)]),
    });
    return {
      xAxis: timeAxis(data.from ?? from, data.to ?? to, zone), yAxis: { type: "value", minInterval: 1, ...axisLook() },
      series: [bar("right", "--chart-2", (one) => one.true_positives), bar("false alarm", "--chart-error", (one) => one.false_positives)],
    };
  }, [parts, data.from, data.to, from, to, width, zone]);
  const table = useMemo(() => ({
    header: ["From", "Right", "False alarms"], rows: parts.map((one) => [formatTime(one.start, zone, "minutes"), one.true_positives, one.false_positives]),
  }), [parts, zone]);
  return <Chart title="Feedback over time" description="Alerts judged right and judged false alarms over time. The table has the figures." height={190} brush option={option} table={table} />;
}

function Figures({ data }: { data: FeedbackQuality }) {
  return (
    <div className="figures">
      <div><span className="tile-label">Precision</span><span className="tile-value num">{formatPercent(data.precision)}</span><span className="tile-note">of the alerts judged were right</span></div>
      <div><span className="tile-label">Alerts judged</span><span className="tile-value num">{formatNumber(data.alerts)}</span><span className="tile-note">{plural(data.feedback, "judgement")}, the latest of each counts</span></div>
      <div><span className="tile-label">Right</span><span className="tile-value num">{formatNumber(data.true_positives)}</span><span className="tile-note">true positives</span></div>
      <div><span className="tile-label">False alarms</span><span className="tile-value num">{formatNumber(data.false_positives)}</span><span className="tile-note">false positives</span></div>
    </div>
  );
}

export function Feedback() {
  const { from, to, tenant } = useScope();
  const can = useCan();
  const allowed = can("feedback.read", tenant);
  const query = { from, to, parts: PARTS, ...(tenant ? { tenant_id: tenant } : {}) };
  const quality = useQuery({ queryKey: ["feedback", "quality", query], queryFn: ({ signal }) => getFeedbackQuality(query, signal), enabled: allowed });
  if (!allowed) return <EmptyState title="Feedback is for analysts">Your role reads verdicts, but not what is said of them.</EmptyState>;
  return (
    <Loaded query={quality} what="The feedback" skeleton={<Skeleton height={320} />}>
      {(data) => data.feedback === 0 ? (
        <EmptyState title="No feedback in this range">An analyst who resolves an alert says whether it was right: that becomes these figures, and the next model's labels.</EmptyState>
      ) : (
        <>
          <Figures data={data} />
          <OverTime data={data} />
          <div className="model-cards">
            <JudgedTable title="By severity" head="Severity" rows={data.severities} name={(row) => <Severity value={row.severity} />} />
            <JudgedTable title="By technique" head="Technique" rows={data.techniques.slice(0, SHOWN)}
              name={(row) => <><Value field="technique" value={row.technique} mono /> <span className="faint">{techniqueName(row.technique ?? "") ?? ""}</span></>} />
          </div>
          <p className="faint">All feedback as labelled data: <a href={FEEDBACK_EXPORT} download="feedback.ndjson">JSON lines</a>. Host filters do not apply here.</p>
        </>
      )}
    </Loaded>
  );
}
