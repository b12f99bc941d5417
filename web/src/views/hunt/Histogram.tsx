// Hits over time, counted by the platform; where all hits are loaded anyway, the page counts them itself.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { getEventHistogram, type EventResponse, type ListEventsQuery } from "@/api";
import { useScope } from "@/app/scope";
import { formatCompact, formatDuration, formatNumber, formatTime } from "@/lib/format";
import { evenParts, formatPoint } from "@/lib/range";
import { axisLook, Chart, timeAxis, token } from "@/ui/Chart";
import { useAddress } from "@/app/scope";
import { Skeleton } from "@/ui/states";

interface Counted {
  from: number;
  to: number;
  parts: Array<{ start: number; hits: number }>;
  /** Parts at the far end lack hits. */
  incomplete: boolean;
}

const HEIGHT = 116;

async function count(query: ListEventsQuery, buckets: number, signal: AbortSignal): Promise<Counted> {
  const got = await getEventHistogram({ ...query, buckets }, signal);
  return {
    from: got.from, to: got.to, incomplete: got.incomplete, parts: got.buckets.map((one) => ({ start: one.start, hits: one.events })),
  };
}

function bin(events: readonly EventResponse[], buckets: number, from: number, to: number): Counted {
  const width = (to - from) / buckets;
  const parts = Array.from({ length: buckets }, (_, at) => ({ start: from + at * width, hits: 0 }));
  for (const event of events) {
    const part = parts[Math.min(buckets - 1, Math.max(0, Math.floor((event.timestamp - from) / width)))];
    if (part) part.hits++;
  }
  return { from, to, parts, incomplete: false };
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
  const buckets = evenParts(range);
  const [, set] = useAddress();
  const { from = "", to = "" } = query;
  const counted = useQuery({
    queryKey: ["events", "histogram", query, buckets],
    queryFn: ({ signal }) => count(query, buckets, signal),
    enabled: ready && all === null && range !== null,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    retry: false,
  });
  const own = useMemo(
    () => (all && range ? bin(all, buckets, range.from, range.to) : null),
    // A range of now-1h moves on with every second; what is counted does not.
    [all, from, to],
  );
  const data = own ?? counted.data;
  const option = useCallback(() => {
    if (!data) return {};
    const width = (data.to - data.from) / data.parts.length;
    return {
      grid: { top: 8 },
      legend: { show: false },
      xAxis: timeAxis(data.from, data.to, zone),
      yAxis: { type: "value", minInterval: 1, splitNumber: 2, ...axisLook(), axisLabel: { color: token("--faint"), formatter: formatCompact } },
      tooltip: { valueFormatter: (value: unknown) => (typeof value === "number" ? formatNumber(value) : "–") },
      series: [{
        name: "events", type: "bar", color: token("--chart-1"), barCategoryGap: "10%", cursor: "pointer",
        data: data.parts.map((part) => [(part.start + width / 2) * 1000, part.hits]),
      }],
    };
  }, [data, zone]);
  const table = useMemo(() => ({
    header: ["From", "Events"],
    rows: data?.parts.map((part) => [formatTime(part.start, zone), part.hits]) ?? [],
  }), [data, zone]);
  const zoom = useCallback((point: { dataIndex: number }) => {
    const part = data?.parts[point.dataIndex];
    if (data && part) set({ from: formatPoint(part.start), to: formatPoint(part.start + (data.to - data.from) / data.parts.length) });
  }, [data, set]);
  if (counted.error && !data) return <p className="honest" role="status">Hits over time could not be counted: {counted.error.message}</p>;
  if (!data) return <Skeleton height={HEIGHT + 52} />;
  const width = formatDuration((data.to - data.from) / data.parts.length);
  return (
    <Chart title={`Events per ${width}${before ? ", before the page's own filters" : ""}${data.incomplete ? "; the search's budget ended before the far end of the range" : ""}`} height={HEIGHT} brush onClick={zoom} option={option} table={table}
      description={`Events found per ${width}. Drag or click to zoom; the table has the figures.`} />
  );
}
