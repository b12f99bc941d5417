// Rows of the list of hosts: those judged in the range, and those that are known but silent in it.
import type { EndpointSummary } from "@/api/schema";
import type { Filter } from "./filters";
import { isSeverity } from "./severity";

export interface HostRow extends EndpointSummary {
  /** No verdict in the range. */
  silent: boolean;
}

const SEVERITIES = ["low", "medium", "high", "critical"];

/** Figures of a silent host are those of all time, and would lie here: only who it is, and its alerts, are kept. */
export function hostRows(inRange: readonly EndpointSummary[], known: readonly EndpointSummary[]): HostRow[] {
  const key = (one: EndpointSummary) => `${one.tenant_id}/${one.endpoint_id}`;
  const seen = new Set(inRange.map(key));
  return [
    ...inRange.map((one) => ({ ...one, silent: false })),
    ...known.filter((one) => !seen.has(key(one))).map((one) => ({
      ...one, silent: true, total_inferences: 0, total_attacks: 0, total_errors: 0, max_attack_prob: 0, last_attack_prob: null,
    })),
  ];
}

/** In any case, * as wild card; for hosts their full name as well. */
function matches(row: HostRow, filter: Filter): boolean {
  const values =
    filter.field === "host" ? [row.endpoint_id, row.hostname ?? ""]
    : filter.field === "platform" ? [row.platform ?? ""]
    : filter.field === "severity" ? [row.worst_active_severity ?? "none"]
    : filter.field === "tenant" ? [row.tenant_id]
    : null;
  if (!values) return true;
  const pattern = new RegExp(`^${filter.value.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "isu");
  return values.some((value) => pattern.test(value)) !== filter.out;
}

/** Filters of one field are alternatives, those of several must all hold; fields that no host has count for nothing. */
export function keepHosts(rows: readonly HostRow[], filters: readonly Filter[]): HostRow[] {
  const wanted = new Map<string, Filter[]>();
  for (const one of filters) if (!one.out) wanted.set(one.field, [...(wanted.get(one.field) ?? []), one]);
  return rows.filter(
    (row) => filters.every((one) => !one.out || matches(row, one)) && [...wanted.values()].every((some) => some.some((one) => matches(row, one))),
  );
}

function valueOf(row: HostRow, by: string): number | string {
  switch (by) {
    case "endpoint_id": return row.endpoint_id;
    case "platform": return row.platform ?? "";
    case "last_seen": return row.last_seen ?? 0;
    case "alerts_active": return row.alerts_active;
    case "total_attacks": return row.total_attacks;
    case "total_inferences": return row.total_inferences;
    case "severity": return isSeverity(row.worst_active_severity) ? SEVERITIES.indexOf(row.worst_active_severity) + 1 : 0;
    default: return row.silent ? -1 : row.max_attack_prob;
  }
}

export function sortHosts(rows: readonly HostRow[], by: string, order: "asc" | "desc"): HostRow[] {
  const sign = order === "asc" ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [x, y] = [valueOf(a, by), valueOf(b, by)];
    if (x !== y) return x < y ? -sign : sign;
    // What is equal stands the same way whatever is sorted by.
    return a.endpoint_id < b.endpoint_id ? -1 : a.endpoint_id > b.endpoint_id ? 1 : a.tenant_id < b.tenant_id ? -1 : 1;
  });
}
