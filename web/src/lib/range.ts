// The time range of a view as it stands in the address: `now-24h`, RFC 3339 or seconds since 1970.
// The same texts go to the API, which reads them the same way.

export const DEFAULT_FROM = "now-24h";
export const DEFAULT_TO = "now";

export interface Range {
  from: number;
  to: number;
}

export const PRESETS: ReadonlyArray<{ from: string; label: string }> = [
  { from: "now-15m", label: "Last 15 minutes" },
  { from: "now-30m", label: "Last 30 minutes" },
  { from: "now-1h", label: "Last hour" },
  { from: "now-4h", label: "Last 4 hours" },
  { from: "now-12h", label: "Last 12 hours" },
  { from: "now-24h", label: "Last 24 hours" },
  { from: "now-2d", label: "Last 2 days" },
  { from: "now-7d", label: "Last 7 days" },
  { from: "now-30d", label: "Last 30 days" },
  { from: "now-90d", label: "Last 90 days" },
];

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };
const WORDS: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day" };
// Year 9999: what lies beyond is a slip of the hand, and Date could not show it.
const LAST_SECOND = 253402300799;

/** Seconds since 1970, or null where the text is no point in time. */
export function parsePoint(text: string, now: number): number | null {
  const clean = text.trim();
  if (clean === "now") return now;
  const relative = /^now-(\d{1,9})([smhd])$/.exec(clean);
  if (relative) return now - Number(relative[1]) * (UNITS[relative[2]!] ?? 0);
  if (/^\d{1,12}(\.\d{1,9})?$/.test(clean)) {
    const seconds = Number(clean);
    return seconds <= LAST_SECOND ? seconds : null;
  }
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i.test(clean)) return null;
  const time = Date.parse(clean);
  return Number.isNaN(time) ? null : time / 1000;
}

/** Null where either end cannot be read or the range is empty. */
export function resolveRange(from: string, to: string, now: number): Range | null {
  const start = parsePoint(from, now);
  const end = parsePoint(to, now);
  return start === null || end === null || start >= end ? null : { from: start, to: end };
}

export function isRelative(text: string): boolean {
  return text.startsWith("now");
}

/** An address's text of an absolute point: RFC 3339 in UTC, without needless fraction. */
export function formatPoint(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.000Z$/, "Z");
}

export function describeRange(from: string, to: string, show: (seconds: number) => string, now: number): string {
  const relative = /^now-(\d{1,9})([smhd])$/.exec(from);
  if (relative && to === "now") {
    const preset = PRESETS.find((one) => one.from === from);
    if (preset) return preset.label;
    const count = Number(relative[1]);
    return `Last ${count} ${WORDS[relative[2]!]}${count === 1 ? "" : "s"}`;
  }
  const range = resolveRange(from, to, now);
  if (!range) return "Time range not valid";
  return `${show(range.from)} – ${to === "now" ? "now" : show(range.to)}`;
}

/** The range of the same length before (-1) or after (1), or twice as wide around its middle (0). */
export function moveRange(range: Range, by: -1 | 0 | 1): Range {
  const length = range.to - range.from;
  if (by === 0) return { from: range.from - length / 2, to: range.to + length / 2 };
  return { from: range.from + by * length, to: range.to + by * length };
}

/** Seconds by which a zone is ahead of UTC at a moment. */
export function zoneOffset(seconds: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(new Date(seconds * 1000));
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value ?? 0);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return Math.round(wall / 1000 - Math.floor(seconds));
}

/** What somebody typed as a wall clock of a zone (`2026-11-23 09:00`), in seconds since 1970. */
export function parseWall(text: string, zone: string): number | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text.trim());
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => Number(part ?? 0)) as
    [number, number, number, number, number, number];
  const wall = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  const back = new Date(wall * 1000);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return null;
  // Twice, because the offset before a change of clocks is not the one after it.
  const guess = wall - zoneOffset(wall, zone);
  return wall - zoneOffset(guess, zone);
}

export function validZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
const MOST_PARTS = 100;

/** Into how many parts a chart cuts a range, so that each is as long as people count: 1 min, 15 min, 2 h. */
export function evenParts(range: Range | null): number {
  if (!range) return 96;
  const length = range.to - range.from;
  const step = STEPS.find((one) => length / one <= MOST_PARTS);
  return step ? Math.max(1, Math.ceil(length / step)) : MOST_PARTS;
}
