import { listInferences, type ListInferencesQuery } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { formatTotal } from "@/lib/format";
import type { Sort } from "@/ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { useCursor } from "@/ui/useCursor";
import { VerdictTable } from "../attacks/VerdictTable";

const PAGE = 100;

/** All verdicts on the host in the range, the benign ones too. */
export function Verdicts({ id }: { id: string }) {
  const { listQuery } = useScope();
  const [text, setText] = useParam("sort", "time.desc");
  const [by, order] = text.split(".");
  const sort: Sort = { by: by === "attack_prob" ? "attack_prob" : "time", order: order === "asc" ? "asc" : "desc" };
  const query: ListInferencesQuery = { ...listQuery, endpoint: id, sort: sort.by as "time" | "attack_prob", order: sort.order, limit: PAGE };
  const list = useCursor(["inferences", query], (cursor, signal) => listInferences({ ...query, ...(cursor ? { cursor } : {}) }, signal), (page) => page.inferences);
  if (list.error && !list.rows.length) return <ErrorState error={list.error} what="The verdicts" onRetry={list.retry} />;
  if (list.loading) return <Skeleton lines={10} />;
  return (
    <>
      <span className="faint num">{formatTotal(list.total ?? list.rows.length, list.lowerBound)} verdicts</span>
      <VerdictTable
        label="Verdicts" rows={list.rows} total={list.total} sort={sort} onSort={(next) => setText(`${next.by}.${next.order}`)}
        hasMore={list.hasMore} loadingMore={list.loadingMore} onMore={list.onMore} height={520}
        empty={<EmptyState title="No verdict on this host in this range" />}
      />
    </>
  );
}
