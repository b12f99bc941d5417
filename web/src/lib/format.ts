// Numbers with narrow spaces, times in the chosen zone: how figures look everywhere.

const THIN = "\u202f";
const NONE = "–";

export function formatNumber(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const [whole, fraction] = Math.abs(value).toFixed(digits).split(".") as [string, string?];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  const sign = value < 0 && (Number(whole) || Number(fraction ?? 0)) ? "−" : "";
  return sign + grouped + (fraction ? `.${fraction}` : "");
}

const STEPS: ReadonlyArray<[number, string]> = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** 12.3k: for axes and badges, where the exact figure is one hover away. */
export function formatCompact(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  for (const [step, unit] of STEPS) {
    if (Math.abs(value) >= step) {
      const scaled = value / step;
      return `${formatNumber(scaled, Math.abs(scaled) < 100 && scaled % 1 ? 1 : 0)}${THIN}${unit}`;
    }
  }
  return formatNumber(value, value % 1 ? 1 : 0);
}

/** A count that may be a lower bound says so: 10 000+. */
export function formatTotal(total: number, lowerBound = false): string {
  return formatNumber(total) + (lowerBound ? "+" : "");
}

/** A probability with two digits; never 1.00 or 0.00 where it is neither. */
export function formatProb(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (value > 0 && value < 0.005) return "<0.01";
  if (value < 1 && value > 0.995) return ">0.99";
  return value.toFixed(2);
}

/** A little is not nothing, and nearly all is not all: <1 %, >99 %. */
export function formatPercent(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const step = 10 ** -digits;
  const shown = Math.round((value * 100) / step) * step;
  if (value > 0 && shown === 0) return `<${formatNumber(step, digits)}${THIN}%`;
  if (value < 1 && shown >= 100) return `>${formatNumber(100 - step, digits)}${THIN}%`;
  return `${formatNumber(value * 100, digits)}${THIN}%`;
}

export function formatBytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${formatNumber(scaled, unit && Math.abs(scaled) < 100 ? 1 : 0)}${THIN}${units[unit]}`;
}

/** At most two units: 3 m 20 s, 2 d 4 h, 0.4 s. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "−" : "";
  if (size < 0.0005) return `0${THIN}s`;
  if (size < 0.1) return `${sign}${formatNumber(size * 1000, size < 0.01 ? 1 : 0)}${THIN}ms`;
  if (size < 10) return `${sign}${formatNumber(size, 1).replace(/\.0$/, "")}${THIN}s`;
  const whole = Math.round(size);
  const units: Array<[number, string]> = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const at = units.findIndex(([length]) => whole >= length);
  const [length, unit] = units[at]!;
  const next = units[at + 1];
  const first = `${sign}${formatNumber(Math.floor(whole / length))}${THIN}${unit}`;
  const rest = next ? Math.floor((whole % length) / next[0]) : 0;
  return next && rest ? `${first} ${rest}${THIN}${next[1]}` : first;
}

/** 2 m ago, in 3 h, just now. */
export function formatAgo(seconds: number | null | undefined, now: number): string {
  if (seconds === null || seconds === undefined) return NONE;
  const past = now - seconds;
  if (Math.abs(past) < 1.5) return "just now";
  const size = Math.abs(past);
  const length = size < 60 ? 1 : size < 3600 ? 60 : size < 86400 ? 3600 : 86400;
  const unit = { 1: "s", 60: "m", 3600: "h", 86400: "d" }[length];
  const text = `${formatNumber(Math.floor(size / length))}${THIN}${unit}`;
  return past > 0 ? `${text} ago` : `in ${text}`;
}

export type TimeStyle = "full" | "seconds" | "minutes" | "clock" | "day";

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whole ones: 5.12 s is 5.119999… as a binary fraction, and would be cut to .119. */
function milliseconds(seconds: number): number {
  return Math.floor(seconds * 1000 + 1e-3);
}

function partsIn(seconds: number, zone: string): Record<string, string> {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    formats.set(zone, format);
  }
  const found: Record<string, string> = {};
  for (const part of format.formatToParts(new Date(milliseconds(seconds)))) found[part.type] = part.value;
  return found;
}

/** Absolute time in a zone, ISO order, so that columns sort by eye: 2026-11-23 09:12:04.123. */
export function formatTime(seconds: number | null | undefined, zone: string, style: TimeStyle = "seconds"): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || Math.abs(seconds) > 8.64e12) return NONE;
  const p = partsIn(seconds, zone);
  const day = `${p.year}-${p.month}-${p.day}`;
  if (style === "day") return day;
  const minutes = `${p.hour}:${p.minute}`;
  if (style === "minutes") return `${day} ${minutes}`;
  if (style === "clock") return `${minutes}:${p.second}`;
  if (style === "seconds") return `${day} ${minutes}:${p.second}`;
  const milli = ((milliseconds(seconds) % 1000) + 1000) % 1000;
  return `${day} ${minutes}:${p.second}.${String(milli).padStart(3, "0")}`;
}

/** A word for a machine name: `false_positive` → `false positive`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}
