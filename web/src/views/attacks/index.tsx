// Verdicts, attacks unless the address says otherwise, newest first.
import { useMemo } from "react";
import { listInferences, type ListInferencesQuery } from "@/api";
import { useAddress, useFilters, useScope } from "@/app/scope";
import { useLastData } from "@/app/StatusStrip";
import { formatNumber, formatTotal } from "@/lib/format";
import { keepVerdicts, planVerdicts, VERDICT_FIELDS } from "@/lib/verdicts";
import { Button } from "@/ui/Button";
import type { Sort } from "@/ui/DataTable";
import { Select } from "@/ui/Field";
import { FilterBar } from "@/ui/FilterBar";
import { Page } from "@/ui/Page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { useCursor } from "@/ui/useCursor";
import { VerdictTable } from "./VerdictTable";

const PAGE = 100;
const PREDICTIONS = ["attack", "benign", "error"] as const;
const SEVERITIES = ["critical", "high", "medium", "low"] as const;

/** The address, as the platform's parameters; what it does not know is left out. */
function readQuery(search: URLSearchParams): ListInferencesQuery {
  const asked = search.get("prediction") ?? "attack";
  const prediction = PREDICTIONS.filter((one) => asked.split(",").includes(one));
  const severity = SEVERITIES.filter((one) => search.getAll("severity").includes(one));
  const least = Number(search.get("min_prob"));
  const technique = search.get("technique");
  return {
    ...(prediction.length && asked !== "any" ? { prediction } : {}),
    ...(severity.length ? { severity } : {}),
    ...(least > 0 && least <= 1 ? { min_prob: least } : {}),
    ...(technique ? { technique } : {}),
    sort: search.get("sort") === "attack_prob" ? "attack_prob" : "time",
    order: search.get("order") === "asc" ? "asc" : "desc",
  };
}

const KINDS = [
  { value: "attack", label: "Attacks" }, { value: "benign", label: "Benign" }, { value: "error", label: "Errors" },
  { value: "any", label: "All verdicts" },
];
const LEAST = ["", "0.5", "0.75", "0.9", "0.95", "0.99"];

function Tools({ query }: { query: ListInferencesQuery }) {
  const [search, set] = useAddress();
  const least = search.get("min_prob") ?? "";
  const levels = LEAST.includes(least) ? LEAST : [...LEAST, least];
  return (
    <>
      <Select label="Show" options={KINDS} value={search.get("prediction") ?? "attack"}
        onChange={(event) => set({ prediction: event.target.value === "attack" ? null : event.target.value })} />
      <Select label="Severity" value={query.severity?.length === 1 ? query.severity[0] : query.severity ? "several" : ""}
        options={[
          { value: "", label: "any" }, ...SEVERITIES.map((one) => ({ value: one, label: one })),
          ...((query.severity?.length ?? 0) > 1 ? [{ value: "several", label: query.severity!.join(", ") }] : []),
        ]}
        onChange={(event) => set({ severity: event.target.value || null })} />
      <Select label="Probability from" value={least} options={levels.map((one) => ({ value: one, label: one || "any" }))}
        onChange={(event) => set({ min_prob: event.target.value || null })} />
      {query.technique && (
        <ul className="chips" aria-label="Technique">
          <li className="chip">
            <button type="button" disabled><span className="chip-field">technique</span> {query.technique}</button>
            <button type="button" aria-label="Remove the technique" onClick={() => set({ technique: null })}>×</button>
          </li>
        </ul>
      )}
    </>
  );
}

export default function Attacks() {
  const { listQuery } = useScope();
  const [search, set] = useAddress();
  const { filters } = useFilters();
  const last = useLastData();
  const asked = useMemo(() => readQuery(search), [search]);
  const plan = useMemo(() => planVerdicts({ ...listQuery, ...asked }, filters), [listQuery, asked, filters]);
  const list = useCursor(
    ["inferences", plan.query],
    (cursor, signal) => listInferences({ ...plan.query, limit: PAGE, ...(cursor ? { cursor } : {}) }, signal),
    (page) => page.inferences,
  );
  const rows = useMemo(() => keepVerdicts(list.rows, plan.local), [list.rows, plan.local]);
  const sort: Sort = { by: asked.sort ?? "time", order: asked.order ?? "desc" };
  // What the page sorts out itself must not make it load without end.
  const sparse = plan.local.length > 0 && rows.length < list.rows.length;
  const narrowed = filters.length > 0 || ["technique", "severity", "min_prob", "prediction"].some((name) => search.has(name));
  const note = list.total === undefined ? undefined
    : `${formatTotal(list.total, list.lowerBound)} ${asked.prediction?.length === 1 && asked.prediction[0] === "attack" ? "attack verdicts" : "verdicts"}${list.stale ? ", loading…" : ""}`;
  const empty = narrowed ? (
    <EmptyState title="No verdict matches">
      <Button kind="quiet" onClick={() => set({ f: null, technique: null, severity: null, min_prob: null, prediction: null })}>Clear the filters</Button>
    </EmptyState>
  ) : (
    <EmptyState title="No attack in this range" lastData={last}>Every window of this range was judged benign, or none ended in it.</EmptyState>
  );
  return (
    <Page title="Recent attacks" note={note} fill>
      <div className="toolbar">
        <FilterBar fields={VERDICT_FIELDS}><Tools query={asked} /></FilterBar>
      </div>
      {plan.local.length > 0 && (
        <p className="honest" role="status">
          {formatNumber(rows.length)} of the {formatNumber(list.rows.length)} rows loaded pass the filters that the page applies itself
          ({plan.local.map((one) => `${one.out ? "not " : ""}${one.field}`).join(", ")}).{" "}
          {list.hasMore && sparse && <Button kind="quiet" disabled={list.loadingMore} onClick={list.onMore}>Look further</Button>}
        </p>
      )}
      {list.incomplete && <p className="honest" role="status">The search stopped at its budget; older rows may match. Scroll on to go further.</p>}
      {list.error && !list.rows.length ? <ErrorState error={list.error} what="The verdicts" onRetry={list.retry} />
        : list.loading ? <Skeleton lines={12} />
        : <VerdictTable label="Verdicts" rows={rows} total={list.total} sort={sort} hasMore={list.hasMore && !sparse}
            onSort={(next) => set({ sort: next.by === "time" ? null : next.by, order: next.order === "desc" ? null : next.order })}
            loadingMore={list.loadingMore} onMore={list.onMore} empty={empty} />}
    </Page>
  );
}
