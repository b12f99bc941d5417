// What narrows every view, read from and written to the address.
import { useCallback, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";
import { readFilters, withFilter, writeFilters, type Filter } from "@/lib/filters";
import { DEFAULT_FROM, DEFAULT_TO, localZone, resolveRange, validZone, type Range } from "@/lib/range";
import { withParams } from "@/lib/urlstate";

export interface Scope {
  /** Texts as in the address: what query keys and API calls take. */
  from: string;
  to: string;
  zone: string;
  tenant: string | null;
  host: string | null;
  /** Resolved now; null where the address's range cannot be read. */
  range: Range | null;
  /** For /summary, /timeline, /techniques, /hosts: `host` is their name for an endpoint. */
  query: { from: string; to: string; tenant_id?: string; host?: string };
  /** For /events, /inferences, /alerts, which call it `endpoint`. */
  listQuery: { from: string; to: string; tenant_id?: string; endpoint?: string };
}

type Changes = Parameters<typeof withParams>[1];

/** The parameters of the address, and a function that sets several at once. */
export function useAddress(): [URLSearchParams, (changes: Changes, replace?: boolean) => void] {
  const [search, setSearch] = useSearchParams();
  const set = useCallback(
    (changes: Changes, replace = false) => setSearch((old) => withParams(old, changes), { replace }),
    [setSearch],
  );
  return [search, set];
}

/** A parameter with its default; setting the default removes it from the address. */
export function useParam(name: string, fallback = ""): [string, (value: string | null, replace?: boolean) => void] {
  const [search, set] = useAddress();
  const value = search.get(name) ?? fallback;
  const change = useCallback(
    (next: string | null, replace = false) => set({ [name]: next === fallback ? null : next }, replace),
    [set, name, fallback],
  );
  return [value, change];
}

const ZONE_KEY = "logster.zone";

/** The address's zone, else the one chosen last, else UTC: logs are read in UTC. */
function zoneOf(search: URLSearchParams): string {
  const asked = search.get("tz") ?? localStorage.getItem(ZONE_KEY) ?? "UTC";
  const zone = asked === "local" ? localZone() : asked;
  return validZone(zone) ? zone : "UTC";
}

export function rememberZone(zone: string): void {
  localStorage.setItem(ZONE_KEY, zone);
}

export function useScope(): Scope {
  const [search] = useSearchParams();
  return useMemo(() => {
    const from = search.get("from") ?? DEFAULT_FROM;
    const to = search.get("to") ?? DEFAULT_TO;
    const tenant = search.get("tenant");
    const host = search.get("host");
    const common = { from, to, ...(tenant ? { tenant_id: tenant } : {}) };
    return {
      from, to, tenant, host,
      zone: zoneOf(search),
      range: resolveRange(from, to, Date.now() / 1000),
      query: { ...common, ...(host ? { host } : {}) },
      listQuery: { ...common, ...(host ? { endpoint: host } : {}) },
    };
  }, [search]);
}

/** Filters of the address (`f=user:alice`), which <FilterBar> shows and <Value> adds to. */
export function useFilters(): {
  filters: Filter[];
  add: (filter: Filter) => void;
  set: (filters: readonly Filter[]) => void;
} {
  const [search, setSearch] = useSearchParams();
  const filters = useMemo(() => readFilters(search), [search]);
  const set = useCallback(
    (next: readonly Filter[]) => setSearch((old) => writeFilters(old, next)),
    [setSearch],
  );
  const add = useCallback(
    (filter: Filter) => setSearch((old) => writeFilters(old, withFilter(readFilters(old), filter))),
    [setSearch],
  );
  return { filters, add, set };
}

/** The present second, again every `every` seconds: for relative hints. */
export function useNow(every = 10): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), every * 1000);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
