// The queue's rows: pages by cursor, with live changes laid over them in place. Rows keep their order
// until the analyst asks for it, or nobody is working in the list.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { listAlerts, type AlertListResponse, type AlertResponse, type AlertStatus, type ListAlertsQuery, type Severity } from "@/api";
import { useLive } from "@/app/live";
import { useAddress, useFilters, useScope } from "@/app/scope";
import type { Filter } from "@/lib/filters";
import { isSeverity } from "@/lib/severity";
import { ACTIVE, alertMatches, CLOSED, serverPart, STATUSES } from "@/lib/triage";
import type { Sort } from "@/ui/DataTable";
import { useCursor } from "@/ui/useCursor";

const PAGE = 200;
/** Where the page itself leaves rows out, more are asked for at once. */
const PAGE_FILTERED = 1000;
const FRESH_MS = 6000;
const SORTS = ["last_seen", "first_seen", "created_at", "updated_at", "severity", "attack_prob", "occurrences"] as const;
type SortName = (typeof SORTS)[number];

export interface QueueView {
  /** active, closed, all, or one or more states. */
  status: AlertStatus[];
  preset: string;
  severity: Severity[];
  assignee: string;
  technique: string;
  text: string;
  sort: Sort;
  filters: Filter[];
}

export function readStatus(values: readonly string[]): { status: AlertStatus[]; preset: string } {
  const named = STATUSES.filter((one) => values.includes(one));
  if (named.length === 1) return { status: named, preset: named[0]! };
  if (named.length > 1) return { status: named, preset: "" };
  if (values[0] === "all") return { status: [], preset: "all" };
  if (values[0] === "closed") return { status: [...CLOSED], preset: "closed" };
  return { status: [...ACTIVE], preset: "active" };
}

export function useQueueView(): QueueView {
  const [search] = useAddress();
  const { filters } = useFilters();
  return useMemo(() => {
    const by = search.get("sort") ?? "";
    return {
      ...readStatus(search.getAll("status")),
      severity: search.getAll("severity").filter(isSeverity),
      assignee: search.get("assignee") ?? "",
      technique: search.get("technique") ?? "",
      text: search.get("q") ?? "",
      sort: {
        by: (SORTS as readonly string[]).includes(by) ? by : "severity",
        order: search.get("order") === "asc" ? "asc" : "desc",
      },
      filters,
    };
  }, [search, filters]);
}

/** As the server would choose: for alerts that come over the stream. */
export function belongs(alert: AlertResponse, view: QueueView, tenant: string | null, host: string | null): boolean {
  const text = view.text.toLowerCase();
  return (
    (!view.status.length || view.status.includes(alert.status)) &&
    (!view.severity.length || view.severity.includes(alert.severity)) &&
    (!view.assignee || (view.assignee === "-" ? !alert.assignee : alert.assignee === view.assignee)) &&
    (!view.technique || alert.ttp_techniques.some((one) => one === view.technique || one.startsWith(`${view.technique}.`))) &&
    (!tenant || alert.tenant_id === tenant) &&
    (!host || alert.endpoint_id === host) &&
    (!text || `${alert.title}\n${alert.description}\n${alert.hostname}`.toLowerCase().includes(text)) &&
    alertMatches(alert, view.filters)
  );
}

export function queueQuery(view: QueueView, scope: object, host: string | null): { query: ListAlertsQuery; whole: boolean } {
  const server = serverPart(view.filters);
  const endpoint = host ?? server.endpoint;
  const assignee = view.assignee && view.assignee !== "-" ? view.assignee : server.assignee;
  const technique = view.technique || server.technique;
  const q = view.text || server.q;
  const whole = server.whole && view.assignee !== "-" && !(host && server.endpoint) && !(view.technique && server.technique)
    && !(view.assignee && server.assignee);
  return {
    whole,
    query: {
      ...scope,
      ...(view.status.length ? { status: view.status } : {}),
      ...(view.severity.length ? { severity: view.severity } : {}),
      ...(endpoint ? { endpoint } : {}),
      ...(assignee ? { assignee } : {}),
      ...(technique ? { technique } : {}),
      ...(q ? { q } : {}),
      sort: view.sort.by as SortName, order: view.sort.order, limit: whole ? PAGE : PAGE_FILTERED,
    },
  };
}

export function useQueue(view: QueueView, busy: boolean) {
  const { listQuery, tenant, host } = useScope();
  const cache = useQueryClient();
  const [round, setRound] = useState(0);
  // Coming back to the list reads it anew; while it is shown, only what the analyst does moves rows.
  useMemo(() => cache.setQueryDefaults(["alert-queue"], { staleTime: 0, refetchOnWindowFocus: false, refetchOnReconnect: false }), [cache]);
  const { query, whole } = useMemo(() => queueQuery(view, listQuery, host), [view, listQuery, host]);
  const list = useCursor<AlertListResponse, AlertResponse>(
    ["alert-queue", query, round], (cursor, signal) => listAlerts({ ...query, ...(cursor ? { cursor } : {}) }, signal), (page) => page.alerts,
  );
  const [over, setOver] = useState<ReadonlyMap<string, AlertResponse>>(new Map());
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const [waiting, setWaiting] = useState<ReadonlySet<string>>(new Set());

  const rows = useMemo(() => {
    const seen = new Set<string>();
    return list.rows.flatMap((row) => {
      // An alert that moved while pages were fetched can be on two of them.
      if (seen.has(row.alert_id)) return [];
      seen.add(row.alert_id);
      // Chosen by what came with the page: a change must not take a row away from under the cursor.
      if (!whole && !(view.assignee === "-" ? !row.assignee : true)) return [];
      if (!whole && !alertMatches(row, view.filters)) return [];
      const newer = over.get(row.alert_id);
      return [newer && newer.version >= row.version ? newer : row];
    });
  }, [list.rows, over, whole, view]);
  const known = useRef(new Set<string>());
  known.current = useMemo(() => new Set(rows.map((row) => row.alert_id)), [rows]);

  const put = useCallback((alert: AlertResponse) => {
    setOver((old) => {
      const before = old.get(alert.alert_id);
      return before && before.version > alert.version ? old : new Map(old).set(alert.alert_id, alert);
    });
  }, []);

  useLive((_kind, alert) => {
    const id = alert.alert_id;
    if (known.current.has(id)) {
      put(alert);
      setFresh((old) => new Set(old).add(id));
      setTimeout(() => setFresh((old) => new Set([...old].filter((one) => one !== id))), FRESH_MS);
    } else if (belongs(alert, view, tenant, host)) {
      setWaiting((old) => new Set(old).add(id));
    }
  });

  const refresh = useCallback(() => {
    setWaiting(new Set());
    setRound((old) => old + 1);
  }, []);
  // Another view of the list knows of nothing that waits.
  const address = JSON.stringify(query);
  useEffect(() => setWaiting(new Set()), [address]);
  useEffect(() => {
    if (!waiting.size || busy) return undefined;
    const timer = setTimeout(refresh, 1500);
    return () => clearTimeout(timer);
  }, [waiting, busy, refresh]);

  const gone = useCallback((alert: AlertResponse) => !belongs(alert, view, tenant, host), [view, tenant, host]);
  return { list, rows, whole, put, fresh, waiting: waiting.size, refresh, gone };
}
