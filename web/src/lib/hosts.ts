// Rows of the list of hosts, and the filters that the page applies to them.
import type { EndpointSummary } from "@/api/schema";
import type { Filter } from "./filters";

export interface HostRow extends EndpointSummary {
  /** No verdict in the range. */
  silent: boolean;
}

export function hostRow(one: EndpointSummary): HostRow {
  return { ...one, silent: one.total_inferences === 0 };
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
