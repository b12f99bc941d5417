// ECharts with the page's colours, text drawn on the canvas (never as HTML), a brush that sets the
// page's time range, and the same figures as a table one key away.
import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, BrushComponent, GridComponent, LegendComponent, MarkLineComponent, ToolboxComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use, type EChartsCoreOption, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, useState } from "react";
import { useAddress, useScope } from "@/app/scope";
import { useTheme } from "@/app/theme";
import { download, toCsv } from "@/lib/csv";
import { formatTime } from "@/lib/format";
import { formatPoint } from "@/lib/range";
import { Button } from "./Button";
import { Card } from "./Page";

use([BarChart, HeatmapChart, LineChart, ScatterChart, AriaComponent, BrushComponent, GridComponent, LegendComponent,
  MarkLineComponent, ToolboxComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

/** Most points of a series; the server's buckets keep below it. */
export const MAX_POINTS = 2000;

export interface ChartTable {
  header: string[];
  rows: Array<Array<string | number | null>>;
}

/** A CSS token's value, for canvases. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export type ChartOption = EChartsCoreOption;

interface Props {
  title: string;
  /** Read out instead of the picture: "Verdicts per 30 minutes, 12 attacks". */
  description: string;
  /** Made anew with the theme: read colours with token(). */
  option: () => ChartOption;
  table: ChartTable;
  height?: number;
  /** The x axis is time: a drag over it sets the range. */
  brush?: boolean;
  onClick?: (point: { seriesName: string; dataIndex: number; value: unknown }) => void;
}

function common(): ChartOption {
  const text = token("--text-2");
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, color: text },
    grid: { left: 8, right: 12, top: 32, bottom: 4, containLabel: true },
    legend: { top: 0, right: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: text } },
    // Text on the canvas: HTML from data can never become a part of the page.
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, backgroundColor: token("--surface"), borderColor: token("--line"),
      textStyle: { color: token("--text"), fontSize: 12 },
    },
    // The brush brings a toolbox of its own unless it is told that one is there, and not shown.
    toolbox: { show: false },
    brush: { xAxisIndex: 0, brushStyle: { color: `${token("--accent")}30`, borderColor: token("--accent") } },
  };
}

/** Options of axes in the page's look: spread them into xAxis and yAxis. */
export function axisLook(): Record<string, unknown> {
  return {
    axisLine: { lineStyle: { color: token("--line") } },
    axisTick: { show: false },
    axisLabel: { color: token("--faint"), hideOverlap: true },
    splitLine: { lineStyle: { color: token("--line") } },
    nameTextStyle: { color: token("--faint"), align: "left" },
  };
}

/** A time axis over the page's range, labelled in its zone. Values are milliseconds. */
export function timeAxis(from: number, to: number, zone: string): Record<string, unknown> {
  const long = to - from > 2 * 86400;
  return {
    type: "time", min: from * 1000, max: to * 1000, ...axisLook(), splitLine: { show: false },
    axisLabel: {
      color: token("--faint"), hideOverlap: true,
      formatter: (value: number) => {
        const text = formatTime(value / 1000, zone, "minutes");
        return long ? text.slice(5, 10) : text.slice(11);
      },
    },
    axisPointer: { label: { formatter: (one: { value: number }) => formatTime(one.value / 1000, zone) } },
  };
}

function TableView({ table, label }: { table: ChartTable; label: string }) {
  return (
    <div className="chart-table" tabIndex={0} role="region" aria-label={`${label} as a table`}>
      <table>
        <thead>
          <tr>{table.header.map((name) => <th key={name} scope="col">{name}</th>)}</tr>
        </thead>
        <tbody>
          {table.rows.slice(0, MAX_POINTS).map((row, at) => (
            <tr key={at}>{row.map((cell, column) => <td key={column} className="num">{cell ?? "–"}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Canvas({ option, height, brush, onClick, description }: Omit<Props, "title" | "table">) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const { shown } = useTheme();
  const [, set] = useAddress();
  const latest = useRef({ onClick, set });
  latest.current = { onClick, set };

  useEffect(() => {
    const made = init(box.current!, null, { renderer: "canvas" });
    chart.current = made;
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(box.current!);
    made.on("click", (event) =>
      latest.current.onClick?.({ seriesName: event.seriesName ?? "", dataIndex: event.dataIndex, value: event.value }),
    );
    made.on("brushEnd", (event) => {
      const area = (event as { areas?: Array<{ coordRange?: [number, number] }> }).areas?.[0]?.coordRange;
      made.dispatchAction({ type: "brush", areas: [] });
      if (!area || area[1] - area[0] < 1000) return;
      latest.current.set({ from: formatPoint(Math.floor(area[0] / 1000)), to: formatPoint(Math.ceil(area[1] / 1000)) });
    });
    return () => {
      watch.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    const own = option();
    const base = common();
    const merged: ChartOption = { ...base, ...own };
    for (const name of ["grid", "legend", "tooltip"]) {
      if (own[name] && !Array.isArray(own[name])) merged[name] = { ...(base[name] as object), ...(own[name] as object) };
    }
    if (!brush) delete merged.brush;
    chart.current?.setOption(merged, { notMerge: true });
    if (brush) {
      chart.current?.dispatchAction({ type: "takeGlobalCursor", key: "brush", brushOption: { brushType: "lineX", brushMode: "single" } });
    }
  }, [option, brush, shown]);

  return <div ref={box} className="chart" role="img" aria-label={description} style={{ height: height ?? 220 }} />;
}

/** A card with a chart in it. `option` should be memoised (useCallback) on its data. */
export function Chart(props: Props) {
  const { title, table, description } = props;
  const [asTable, setAsTable] = useState(false);
  const save = () => download(`${title.toLowerCase().replaceAll(" ", "-")}.csv`, "text/csv;charset=utf-8", toCsv(table.header, table.rows));
  return (
    <Card
      title={title}
      actions={
        <>
          {asTable && (
            <Button kind="quiet" onClick={save}>
              CSV
            </Button>
          )}
          <Button kind="quiet" aria-pressed={asTable} onClick={() => setAsTable((old) => !old)}>
            {asTable ? "Chart" : "Table"}
          </Button>
        </>
      }
    >
      {asTable ? <TableView table={table} label={title} /> : (
        <Canvas option={props.option} description={description} {...(props.height ? { height: props.height } : {})}
          {...(props.brush ? { brush: true } : {})} {...(props.onClick ? { onClick: props.onClick } : {})} />
      )}
    </Card>
  );
}

/** The shown range's zone and ends, for a chart's axis. */
export function useChartRange(): { from: number; to: number; zone: string } {
  const { range, zone } = useScope();
  const now = Date.now() / 1000;
  return { from: range?.from ?? now - 86400, to: range?.to ?? now, zone };
}
