// A row per host, the most suspicious first; hosts that fell silent are there too, and say so.
import { useMemo } from "react";
import { listHosts } from "@/api";
import { useFilters, useNow, useParam, useScope } from "@/app/scope";
import { useLastData } from "@/app/StatusStrip";
import { hostRow, keepHosts, type HostRow } from "@/lib/hosts";
import { formatNumber, plural } from "@/lib/format";
import { DataTable, type Sort } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { useGo } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { useCursor } from "@/ui/useCursor";
import { hostColumns } from "./columns";
import "./hosts.css";

const PAGE = 500;
const PARTS = 32;
const SORTS = ["max_attack_prob", "last_seen", "endpoint_id", "alerts_active", "total_attacks", "severity", "platform"] as const;

/** Sorted and paged by the platform; those without a verdict in the range, the silent ones, too. */
function useRows(sort: Sort) {
  const { query } = useScope();
  const by = SORTS.find((one) => one === sort.by) ?? "max_attack_prob";
  const asked = { ...query, limit: PAGE, trend: PARTS, silent: true, sort: by, order: sort.order };
  return useCursor(
    ["hosts", asked],
    async (cursor, signal) => {
      const offset = Number(cursor ?? 0);
      const page = await listHosts({ ...asked, offset }, signal);
      return { ...page, next_cursor: offset + page.hosts.length < page.total && page.hosts.length ? String(offset + page.hosts.length) : null };
    },
    (page) => page.hosts.map(hostRow),
  );
}

export default function Hosts() {
  const { filters } = useFilters();
  const [text, setText] = useParam("sort", "max_attack_prob.desc");
  const now = useNow(30);
  const go = useGo();
  const last = useLastData();
  const [by = "", order = "desc"] = text.split(".");
  const sort: Sort = { by, order: order === "asc" ? "asc" : "desc" };
  const list = useRows(sort);
  const { rows } = list;
  const tenants = useMemo(() => new Set(rows.map((row) => row.tenant_id)), [rows]);
  const several = tenants.size > 1;
  const columns = useMemo(() => hostColumns(several, now), [several, now]);
  const shown = useMemo(() => keepHosts(rows, filters), [rows, filters]);
  const total = Math.max(list.total ?? 0, rows.length);
  const silent = shown.filter((row) => row.silent).length;
  const open = (row: HostRow) => go(`/hosts/${encodeURIComponent(row.endpoint_id)}`, several ? { tenant: row.tenant_id } : {});
  return (
    <Page
      title="Hosts" fill
      note={list.first && (
        <span className="num">
          {filters.length ? `${formatNumber(shown.length)}${list.hasMore ? "+" : ""} of ${plural(total, "host")}` : plural(total, "host")}
          {silent > 0 && !list.hasMore && <> · {formatNumber(silent)} without a verdict in this range</>}
        </span>
      )}
    >
      <FilterBar fields={["host", "platform", "severity"]} />
      {list.error && !rows.length ? (
        <ErrorState error={list.error} what="The hosts" onRetry={list.retry} />
      ) : list.loading ? (
        <Skeleton lines={14} />
      ) : (
        <DataTable
          label="Hosts" columns={columns} rows={shown} rowKey={(row) => `${row.tenant_id}/${row.endpoint_id}`} total={filters.length ? undefined : total} rowHeight={34}
          hasMore={list.hasMore} loadingMore={list.loadingMore} onMore={list.onMore}
          sort={sort} onSort={(next) => setText(`${next.by}.${next.order}`)} onOpen={open} rowClass={(row) => (row.silent ? "host-silent" : undefined)}
          empty={list.hasMore ? <Skeleton lines={6} /> :
            <EmptyState title={rows.length ? "No host passes the filters" : "No host yet"} lastData={rows.length ? null : last}>
              {rows.length ? "Take a filter away to see more." : "A host appears here with its first event. Point a collector at the platform, or replay a recording."}
            </EmptyState>
          }
        />
      )}
    </Page>
  );
}
