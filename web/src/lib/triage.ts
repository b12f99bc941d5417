// An alert's life as src/alert/lifecycle.c has it, and what a list of alerts narrows by in the page.
import type { AlertPatch, AlertResponse, AlertStatus } from "@/api";
import { baseName } from "./process";
import type { Filter } from "./filters";

export const STATUSES: readonly AlertStatus[] = ["open", "acknowledged", "investigating", "resolved", "false_positive"];
export const ACTIVE: readonly AlertStatus[] = ["open", "acknowledged", "investigating"];
export const CLOSED: readonly AlertStatus[] = ["resolved", "false_positive"];

export interface Step {
  to: AlertStatus;
  label: string;
  /** What has happened once it is done: "Acknowledged". */
  done: string;
  key: string;
  /** A closing step asks what was found. */
  asks: boolean;
}

export const STEPS: readonly Step[] = [
  { to: "open", label: "Reopen", done: "Reopened", key: "o", asks: false },
  { to: "acknowledged", label: "Acknowledge", done: "Acknowledged", key: "a", asks: false },
  { to: "investigating", label: "Investigate", done: "Investigating", key: "i", asks: false },
  { to: "resolved", label: "Resolve", done: "Resolved", key: "r", asks: true },
  { to: "false_positive", label: "False positive", done: "Marked as false positive", key: "f", asks: true },
];

export function stepTo(status: AlertStatus): Step {
  return STEPS.find((step) => step.to === status)!;
}

export function isActive(status: AlertStatus): boolean {
  return ACTIVE.includes(status);
}

/** Closed alerts go from one closed state to the other only by way of an active one. */
export function stepAllowed(from: AlertStatus, to: AlertStatus): boolean {
  return from !== to && (isActive(from) || isActive(to));
}

export function stepsFrom(status: AlertStatus): Step[] {
  return STEPS.filter((step) => stepAllowed(status, step.to));
}

/** What a step changes; who takes an alert on that is nobody's becomes its assignee. */
export function patchOf(alert: AlertResponse, to: AlertStatus, notes: string | null, me: string): AlertPatch {
  const takes = (to === "acknowledged" || to === "investigating") && !alert.assignee;
  return { status: to, ...(notes ? { analyst_notes: notes } : {}), ...(takes ? { assignee: me } : {}) };
}

/** What takes `patch` back from an alert that was `before`. */
export function undoOf(before: AlertResponse, patch: AlertPatch): AlertPatch {
  return {
    ...(patch.status === undefined ? {} : { status: before.status }),
    ...(patch.assignee === undefined ? {} : { assignee: before.assignee ?? null }),
    ...(patch.analyst_notes === undefined ? {} : { analyst_notes: before.analyst_notes ?? null }),
  };
}

export interface Difference {
  field: string;
  seen: string | null;
  theirs: string | null;
  yours: string | null;
}

/** The three versions after a lost race: as it was shown, as it is now, as it was to become. */
export function differences(seen: AlertResponse, theirs: AlertResponse, yours: AlertPatch): Difference[] {
  const rows: Difference[] = [
    { field: "Status", seen: seen.status, theirs: theirs.status, yours: yours.status ?? null },
    {
      field: "Assignee", seen: seen.assignee ?? null, theirs: theirs.assignee ?? null,
      yours: yours.assignee === undefined ? null : (yours.assignee ?? "nobody"),
    },
    { field: "Severity", seen: seen.severity, theirs: theirs.severity, yours: null },
    { field: "Occurrences", seen: String(seen.occurrences), theirs: String(theirs.occurrences), yours: null },
    { field: "Notes", seen: seen.analyst_notes ?? null, theirs: theirs.analyst_notes ?? null, yours: yours.analyst_notes ?? null },
  ];
  return rows.filter((row) => row.seen !== row.theirs || row.yours !== null);
}

/**
 * True where nobody has touched what a patch changes: the verdicts of new windows raise an alert's
 * version too, and that must not stop whoever is working on it.
 */
export function onlyMachine(seen: AlertResponse, now: AlertResponse): boolean {
  return seen.status === now.status && (seen.assignee ?? "") === (now.assignee ?? "") && (seen.analyst_notes ?? "") === (now.analyst_notes ?? "");
}

/** Filters of the address that a list of alerts knows. */
export const ALERT_FIELDS = ["host", "technique", "user", "process", "hash", "severity", "status", "assignee", "title"] as const;
/** Names that the same things have in other views. */
const SAME: Record<string, string> = { endpoint: "host", image: "process", sha256: "hash", hostname: "host", tactic: "title" };

function fieldOf(name: string): string {
  return SAME[name] ?? name;
}

function same(a: string | null | undefined, b: string): boolean {
  return (a ?? "").toLowerCase() === b.toLowerCase();
}

function holds(alert: AlertResponse, field: string, value: string): boolean {
  switch (field) {
    case "host": return same(alert.endpoint_id, value) || same(alert.hostname, value);
    case "technique": return alert.ttp_techniques.some((one) => same(one, value) || one.toLowerCase().startsWith(`${value.toLowerCase()}.`));
    case "user": return same(alert.user, value) || alert.evidence.some((one) => same(one.user as string | undefined, value));
    case "process":
      return same(alert.process, value) || same(baseName(alert.process), value)
        || alert.evidence.some((one) => one.type === "process" && (same(one.name, value) || same(baseName(one.name), value)));
    case "hash": return same(alert.process_hash, value) || alert.evidence.some((one) => same(one.hash as string | undefined, value));
    case "severity": return same(alert.severity, value);
    case "status": return same(alert.status, value);
    case "assignee": return same(alert.assignee, value);
    default: return alert.title.toLowerCase().includes(value.toLowerCase());
  }
}

/** Values of one field are alternatives, fields all hold, and nothing that is left out may hold. */
export function alertMatches(alert: AlertResponse, filters: readonly Filter[]): boolean {
  const wanted = new Map<string, boolean>();
  for (const filter of filters) {
    const field = fieldOf(filter.field);
    const hit = holds(alert, field, filter.value);
    if (filter.out && hit) return false;
    if (!filter.out) wanted.set(field, (wanted.get(field) ?? false) || hit);
  }
  return [...wanted.values()].every(Boolean);
}

/** What of the filters the server can do itself; the rest is done by alertMatches on what comes. */
export function serverPart(filters: readonly Filter[]): { endpoint?: string; technique?: string; assignee?: string; q?: string; whole: boolean } {
  const found: { endpoint?: string; technique?: string; assignee?: string; q?: string } = {};
  let whole = true;
  for (const name of new Set(filters.map((one) => fieldOf(one.field)))) {
    const own = filters.filter((one) => fieldOf(one.field) === name);
    const only = own.length === 1 && !own[0]!.out ? own[0]!.value : null;
    if (only !== null && name === "host") found.endpoint = only;
    else if (only !== null && name === "technique") found.technique = only;
    else if (only !== null && name === "assignee") found.assignee = only;
    else {
      whole = false;
      // Narrows before the page does: title and description name the process and its user.
      if (only !== null && name === "process") found.q ??= baseName(only);
    }
  }
  return { ...found, whole };
}
