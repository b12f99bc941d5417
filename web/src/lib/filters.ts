// Filters as they stand in the address: f=user:alice, and f=-user:alice for what is left out.

export interface Filter {
  field: string;
  value: string;
  out: boolean;
}

const MAX_FILTERS = 32;

export function parseFilter(text: string): Filter | null {
  const found = /^(-?)([a-z][a-z0-9_.]{0,63}):(.+)$/su.exec(text);
  return found ? { out: found[1] === "-", field: found[2]!, value: found[3]! } : null;
}

export function formatFilter(filter: Filter): string {
  return `${filter.out ? "-" : ""}${filter.field}:${filter.value}`;
}

export function readFilters(search: URLSearchParams): Filter[] {
  return search.getAll("f").slice(0, MAX_FILTERS).flatMap((text) => parseFilter(text) ?? []);
}

export function writeFilters(search: URLSearchParams, filters: readonly Filter[]): URLSearchParams {
  const next = new URLSearchParams(search);
  next.delete("f");
  const seen = new Set<string>();
  for (const filter of filters) {
    const text = formatFilter(filter);
    if (!seen.has(text)) next.append("f", text);
    seen.add(text);
  }
  return next;
}

/** Adds one; the opposite of it goes, since both together match nothing. */
export function withFilter(filters: readonly Filter[], added: Filter): Filter[] {
  const others = filters.filter((one) => one.field !== added.field || one.value !== added.value);
  return [...others, added];
}
