import type { ReactNode } from "react";
import { Link } from "./Link";

interface Props {
  label: string;
  value: ReactNode;
  /** A word on the figure, below it. */
  note?: ReactNode;
  /** The figure over the range, oldest first; null where there was nothing. */
  trend?: ReadonlyArray<number | null> | undefined;
  tone?: "attack" | "plain";
  /** The rows behind the figure. */
  to: string;
  params?: Parameters<typeof Link>[0]["params"];
}

const WIDTH = 120;
const HEIGHT = 28;

/** A line without axes: where a figure comes from, not what it was exactly. */
export function Sparkline({ values, tone = "plain" }: { values: ReadonlyArray<number | null>; tone?: "attack" | "plain" }) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  const top = Math.max(...known, 1e-9);
  const step = WIDTH / Math.max(1, values.length - 1);
  let pen = "M";
  const path = values
    .map((value, at) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const text = `${pen}${(at * step).toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1)}`;
      pen = "L";
      return text;
    })
    .join("");
  // A point between two gaps is a dot: a line of no length with round ends.
  const dots = values
    .map((value, at) =>
      value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null
        ? `M${(at * step).toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1)}h0`
        : "",
    )
    .join("");
  return (
    <svg className={`spark spark-${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} vectorEffect="non-scaling-stroke" />
      <path d={dots} className="spark-dots" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

export function StatTile({ label, value, note, trend, tone = "plain", to, params }: Props) {
  return (
    <Link to={to} {...(params ? { params } : {})} className="tile">
      <span className="tile-label">{label}</span>
      <span className="tile-value num">{value}</span>
      <span className="tile-note">{note ?? "\u00a0"}</span>
      {trend && <Sparkline values={trend} tone={tone} />}
    </Link>
  );
}
