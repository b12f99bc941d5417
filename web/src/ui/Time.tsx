import { formatAgo, formatTime, type TimeStyle } from "@/lib/format";
import { useNow, useScope } from "@/app/scope";

interface Props {
  at: number | null | undefined;
  style?: TimeStyle;
  /** Show how long ago instead, with the absolute time on hover. */
  ago?: boolean;
}

/** A time in the chosen zone, the relative one on hover, or the other way round. */
export function Time({ at, style = "seconds", ago = false }: Props) {
  const { zone } = useScope();
  const now = useNow(ago ? 5 : 60);
  if (at === null || at === undefined) return <span className="faint">–</span>;
  const absolute = `${formatTime(at, zone, ago ? "full" : style)}`;
  const relative = formatAgo(at, now);
  return (
    <time className="num" dateTime={new Date(at * 1000).toISOString()} title={ago ? `${absolute} ${zone}` : `${relative} · ${zone}`}>
      {ago ? relative : absolute}
    </time>
  );
}
