// A row per host, the most suspicious first; hosts that fell silent are there too, and say so.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { listEndpoints, listHosts } from "@/api";
import { useFilters, useNow, useParam, useScope } from "@/app/scope";
import { useLastData } from "@/app/StatusStrip";
import { hostRows, keepHosts, sortHosts, type HostRow } from "@/lib/hosts";
import { formatNumber, plural } from "@/lib/format";
import { DataTable, type Sort } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { useGo } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { hostColumns } from "./columns";
import "./hosts.css";

const MOST = 1000;
const PARTS = 32;

function useRows() {
  const { query, tenant, host } = useScope();
  const keep = { placeholderData: keepPreviousData };
  const inRange = useQuery({
    queryKey: ["hosts", query, MOST, PARTS], queryFn: ({ signal }) => listHosts({ ...query, limit: MOST, trend: PARTS }, signal), ...keep,
  });
  // Without a range: also those without a verdict in it, the silent ones.
  const known = { ...(tenant ? { tenant_id: tenant } : {}), ...(host ? { q: host } : {}), sort: "last_seen" as const, order: "desc" as const, limit: MOST };
  const all = useQuery({ queryKey: ["endpoints", known], queryFn: ({ signal }) => listEndpoints(known, signal), ...keep });
  const rows = useMemo(
    () => hostRows(inRange.data?.hosts ?? [], (all.data?.endpoints ?? []).filter((one) => !host || one.endpoint_id === host)),
    [inRange.data, all.data, host],
  );
  return { inRange, all, rows };
}

export default function Hosts() {
  const { inRange, all, rows } = useRows();
  const { filters } = useFilters();
  const [text, setText] = useParam("sort", "max_attack_prob.desc");
  const now = useNow(30);
  const go = useGo();
  const last = useLastData();
  const [by = "", order = "desc"] = text.split(".");
  const sort: Sort = { by, order: order === "asc" ? "asc" : "desc" };
  const tenants = useMemo(() => new Set(rows.map((row) => row.tenant_id)), [rows]);
  const several = tenants.size > 1;
  const columns = useMemo(() => hostColumns(several, now), [several, now]);
  const shown = useMemo(() => sortHosts(keepHosts(rows, filters), sort.by, sort.order), [rows, filters, sort.by, sort.order]);
  const total = Math.max(all.data?.total ?? 0, rows.length);
  const silent = shown.filter((row) => row.silent).length;
  const open = (row: HostRow) => go(`/hosts/${encodeURIComponent(row.endpoint_id)}`, several ? { tenant: row.tenant_id } : {});
  const cut = (inRange.data?.total ?? 0) > MOST || (all.data?.total ?? 0) > MOST;
  return (
    <Page
      title="Hosts" fill
      note={inRange.data && (
        <span className="num">
          {plural(shown.length, "host")}{shown.length < total && ` of ${formatNumber(total)}`}
          {silent > 0 && <> · {formatNumber(silent)} without a verdict in this range</>}
          {cut && <> · the {formatNumber(MOST)} most suspicious and latest; narrow by tenant or host for others</>}
        </span>
      )}
    >
      <FilterBar fields={["host", "platform", "severity"]} />
      {inRange.error && !inRange.data ? (
        <ErrorState error={inRange.error} what="The hosts" onRetry={() => void inRange.refetch()} />
      ) : inRange.isPending || (all.isPending && !all.error) ? (
        <Skeleton lines={14} />
      ) : (
        <DataTable
          label="Hosts" columns={columns} rows={shown} rowKey={(row) => `${row.tenant_id}/${row.endpoint_id}`} total={shown.length} rowHeight={34}
          sort={sort} onSort={(next) => setText(`${next.by}.${next.order}`)} onOpen={open} rowClass={(row) => (row.silent ? "host-silent" : undefined)}
          empty={
            <EmptyState title={rows.length ? "No host passes the filters" : "No host yet"} lastData={rows.length ? null : last}>
              {rows.length ? "Take a filter away to see more." : "A host appears here with its first event. Point a collector at the platform, or replay a recording."}
            </EmptyState>
          }
        />
      )}
    </Page>
  );
}
