// Which techniques were seen when: a row per technique, a column per part of the range.
import { useCallback, useMemo } from "react";
import type { TechniquesResponse } from "@/api";
import { techniqueName } from "@/lib/attack";
import { formatDuration, formatTime } from "@/lib/format";
import { formatPoint } from "@/lib/range";
import { plainText } from "@/lib/safetext";
import { axisLook, Chart, token, useChartRange } from "@/ui/Chart";
import { useGo } from "@/ui/Link";

const SHOWN = 25;
const ROW = 22;
const LABEL = 264;

export function TechniquesOverTime({ data }: { data: TechniquesResponse }) {
  const { zone, from } = useChartRange();
  const go = useGo();
  const start = data.from ?? from;
  const width = data.part_seconds ?? 0;
  const rows = useMemo(() => data.techniques.slice(0, SHOWN).filter((one) => one.over_time?.length), [data]);
  const parts = rows[0]?.over_time?.length ?? 0;
  const option = useCallback(() => {
    const cells = rows.flatMap((row, y) => row.over_time!.flatMap((count, x) => (count ? [[x, y, count]] : [])));
    const most = Math.max(1, ...cells.map((cell) => cell[2]!));
    const label = (at: number) => {
      const text = formatTime(start + at * width, zone, "minutes");
      return width * parts > 2 * 86400 ? text.slice(5) : text.slice(11);
    };
    return {
      legend: { show: false },
      grid: { top: 8, bottom: 60, left: LABEL + 16, containLabel: false },
      tooltip: {
        trigger: "item",
        formatter: (point: { value: [number, number, number] }) => {
          const [x, y, count] = point.value;
          const row = rows[y];
          return row ? `${plainText(row.technique, 20)} ${techniqueName(row.technique) ?? ""}\n${formatTime(start + x * width, zone)}: ${count}` : "";
        },
      },
      xAxis: { type: "category", data: Array.from({ length: parts }, (_, at) => label(at)), ...axisLook(), splitLine: { show: false } },
      yAxis: {
        type: "category", inverse: true, ...axisLook(), splitLine: { show: true, lineStyle: { color: token("--line") } },
        data: rows.map((row) => `${plainText(row.technique, 20)}  ${techniqueName(row.technique) ?? ""}`),
        axisLabel: { color: token("--text-2"), fontSize: 11, width: LABEL, overflow: "truncate" },
      },
      visualMap: {
        min: 1, max: Math.max(2, most), calculable: false, orient: "horizontal", right: 0, bottom: 0, itemWidth: 10, itemHeight: 100, text: [`${most} attacks`, "1"],
        textStyle: { color: token("--faint") }, inRange: { color: [token("--share-1"), token("--share-3"), token("--share-5")] },
      },
      series: [{ name: "attacks", type: "heatmap", data: cells, cursor: "pointer", itemStyle: { borderColor: token("--surface"), borderWidth: 1 } }],
    };
  }, [rows, parts, start, width, zone]);
  const table = useMemo(() => ({
    header: ["Technique", "Name", ...Array.from({ length: parts }, (_, at) => formatTime(start + at * width, zone, "minutes"))],
    rows: rows.map((row) => [plainText(row.technique, 20), techniqueName(row.technique) ?? "", ...row.over_time!]),
  }), [rows, parts, start, width, zone]);
  const open = useCallback((point: { value: unknown }) => {
    if (!Array.isArray(point.value)) return;
    const [x, y] = point.value as [number, number];
    const row = rows[y];
    if (row) go("/attacks", { technique: row.technique, from: formatPoint(start + x * width), to: formatPoint(start + (x + 1) * width) });
  }, [rows, go, start, width]);
  const more = data.techniques.length - rows.length;
  return (
    <Chart title={`Techniques per ${formatDuration(width)}${more > 0 ? `, the ${rows.length} most seen` : ""}`} height={Math.max(160, rows.length * ROW + 64)}
      option={option} table={table} onClick={open}
      description={`Attacks with each of ${rows.length} techniques over time. Click a cell for its verdicts; the table has the figures.`} />
  );
}
