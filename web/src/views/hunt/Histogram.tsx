// Hits over time. The platform counts each part of the range; where all hits are loaded anyway, the
// page counts them itself.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { listEvents, type EventResponse, type ListEventsQuery } from "@/api";
import { useScope } from "@/app/scope";
import { formatCompact, formatDuration, formatNumber, formatTime } from "@/lib/format";
import { formatPoint } from "@/lib/range";
import { axisLook, Chart, timeAxis, token } from "@/ui/Chart";
import { useAddress } from "@/app/scope";
import { Skeleton } from "@/ui/states";

interface Part {
  start: number;
  hits: number;
  /** There are at least so many. */
  least: boolean;
}

const PARTS = 24;
/** Questions at once: the platform has others to answer. */
const AT_ONCE = 2;
const HEIGHT = 116;

async function count(query: ListEventsQuery, from: number, to: number, signal: AbortSignal): Promise<Part[]> {
  const width = (to - from) / PARTS;
  const parts: Part[] = Array.from({ length: PARTS }, (_, at) => ({ start: from + at * width, hits: 0, least: false }));
  const waiting = [...parts];
  const work = async () => {
    for (let part = waiting.pop(); part; part = waiting.pop()) {
      const range = { from: formatPoint(part.start), to: formatPoint(part.start + width) };
      const got = await listEvents({ ...query, ...range, limit: 1 }, signal);
      part.hits = got.total;
      part.least = got.total_is_lower_bound && (got.incomplete || got.total >= 10_000);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return parts;
}

function bin(events: readonly EventResponse[], from: number, to: number): Part[] {
  const width = (to - from) / PARTS;
  const parts: Part[] = Array.from({ length: PARTS }, (_, at) => ({ start: from + at * width, hits: 0, least: false }));
  for (const event of events) {
    const part = parts[Math.min(PARTS - 1, Math.max(0, Math.floor((event.timestamp - from) / width)))];
    if (part) part.hits++;
  }
  return parts;
}

interface Props {
  query: ListEventsQuery;
  /** Every hit, where they are all loaded; else null. */
  all: readonly EventResponse[] | null;
  ready: boolean;
  /** The page leaves out some of what is counted here. */
  before: boolean;
}

export function Histogram({ query, all, ready, before }: Props) {
  const { range, zone } = useScope();
  const [, set] = useAddress();
  const { from = "", to = "" } = query;
  const counted = useQuery({
    queryKey: ["events", "histogram", query],
    queryFn: ({ signal }) => count(query, range!.from, range!.to, signal).then((parts) => ({ parts, from: range!.from, to: range!.to })),
    enabled: ready && all === null && range !== null,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    retry: false,
  });
  const own = useMemo(
    () => (all && range ? { parts: bin(all, range.from, range.to), from: range.from, to: range.to } : null),
    // A range of now-1h moves on with every second; what is counted does not.
    [all, from, to],
  );
  const data = own ?? counted.data;
  const option = useCallback(() => {
    if (!data) return {};
    const width = (data.to - data.from) / PARTS;
    const bars = (name: string, colour: string, least: boolean) => ({
      name, type: "bar", stack: "hits", color: token(colour), barCategoryGap: "10%", cursor: "pointer",
      data: data.parts.map((part) => [(part.start + width / 2) * 1000, part.least === least ? part.hits : 0]),
    });
    const some = data.parts.some((part) => part.least);
    return {
      grid: { top: some ? 24 : 8 },
      legend: { show: some },
      xAxis: timeAxis(data.from, data.to, zone),
      yAxis: { type: "value", minInterval: 1, splitNumber: 2, ...axisLook(), axisLabel: { color: token("--faint"), formatter: formatCompact } },
      tooltip: { valueFormatter: (value: unknown) => (typeof value === "number" ? formatNumber(value) : "–") },
      series: [bars("events", "--chart-1", false), ...(some ? [bars("at least", "--chart-error", true)] : [])],
    };
  }, [data, zone]);
  const table = useMemo(() => ({
    header: ["From", "Events", "Counted"],
    rows: data?.parts.map((part) => [formatTime(part.start, zone), part.hits, part.least ? "at least" : "all"]) ?? [],
  }), [data, zone]);
  const zoom = useCallback((point: { dataIndex: number }) => {
    const part = data?.parts[point.dataIndex];
    if (data && part) set({ from: formatPoint(part.start), to: formatPoint(part.start + (data.to - data.from) / PARTS) });
  }, [data, set]);
  if (counted.error && !data) return <p className="honest" role="status">Hits over time could not be counted: {counted.error.message}</p>;
  if (!data) return <Skeleton height={HEIGHT + 52} />;
  const width = formatDuration((data.to - data.from) / PARTS);
  return (
    <Chart title={`Events per ${width}${before ? ", before the page's own filters" : ""}`} height={HEIGHT} brush onClick={zoom} option={option} table={table}
      description={`Events found per ${width}. Drag or click to zoom; the table has the figures.`} />
  );
}
