// A list's pages must ask for one and the same range: `now-24h` is another one with every second, and
// the platform refuses a cursor of another query. So lists are asked with the range as it was when
// their first page was, by the platform's clock.
import { isRelative, parsePoint } from "@/lib/range";

interface Bounds {
  from?: string;
  to?: string;
}

const MAX_CURSORS = 500;
/** The platform tells its time in whole seconds. */
const DATE_STEP = 1;

const boundsOf = new Map<string, Bounds>();
let ahead = 0;

/** Learns by how much the platform's clock differs from this one. */
export function noteClock(date: string | null, now = Date.now()): void {
  const told = date ? Date.parse(date) : NaN;
  if (Number.isNaN(told)) return;
  const difference = (told - now) / 1000;
  ahead = Math.abs(difference) > 2 * DATE_STEP ? difference : 0;
}

function absolute(text: unknown, now: number): string | undefined {
  if (typeof text !== "string" || !isRelative(text)) return undefined;
  const point = parsePoint(text, now);
  return point === null ? undefined : point.toFixed(3);
}

/** The query as it is sent. */
export function pinned(query: object | undefined, now = Date.now() / 1000): object | undefined {
  const { cursor, limit, from, to } = (query ?? {}) as { cursor?: string; limit?: number; from?: unknown; to?: unknown };
  if (cursor) return { ...query, ...boundsOf.get(cursor) };
  if (limit === undefined) return query;
  const start = absolute(from, now + ahead);
  // A second more: the newest must not be missing because clocks count in steps.
  const end = absolute(to, now + ahead + DATE_STEP);
  return { ...query, ...(start ? { from: start } : {}), ...(end ? { to: end } : {}) };
}

/** Remembers what the next page has to ask with. */
export function rememberPage(sent: object | undefined, answer: unknown): void {
  const next = answer && typeof answer === "object" ? (answer as { next_cursor?: unknown }).next_cursor : null;
  if (typeof next !== "string") return;
  const { from, to } = (sent ?? {}) as Bounds;
  boundsOf.delete(next);
  boundsOf.set(next, { ...(from ? { from } : {}), ...(to ? { to } : {}) });
  for (const oldest of boundsOf.keys()) {
    if (boundsOf.size <= MAX_CURSORS) break;
    boundsOf.delete(oldest);
  }
}
