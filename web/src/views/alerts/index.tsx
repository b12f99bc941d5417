import "./alerts.css";
import { useCallback, useEffect, useMemo, useState } from "react";
import type { AlertResponse } from "@/api";
import { useKeys } from "@/app/keys";
import { useOpenAlerts } from "@/app/Nav";
import { useAddress, useScope } from "@/app/scope";
import { useCan, useSession } from "@/app/session";
import { formatNumber, formatTotal, plural } from "@/lib/format";
import { STEPS, stepAllowed } from "@/lib/triage";
import { Button } from "@/ui/Button";
import { DataTable } from "@/ui/DataTable";
import { useGo } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { AssigneeMenu } from "@/ui/triage/AssigneeMenu";
import { useTriage } from "@/ui/triage/useTriage";
import { queueColumns } from "./columns";
import { QueueFilters } from "./QueueFilters";
import { useQueue, useQueueView } from "./useQueue";

const WHENEVER = "now-3650d";
/** From these widths on there is room for one more column. */
const ROOMS = ["(min-width: 1200px)", "(min-width: 1560px)"];

function useRoom(): number {
  const count = () => ROOMS.filter((query) => matchMedia(query).matches).length;
  const [room, setRoom] = useState(count);
  useEffect(() => {
    const all = ROOMS.map((query) => matchMedia(query));
    const change = () => setRoom(count());
    all.forEach((media) => media.addEventListener("change", change));
    return () => all.forEach((media) => media.removeEventListener("change", change));
  }, []);
  return room;
}

export default function AlertQueue() {
  const view = useQueueView();
  const { tenant } = useScope();
  const { me } = useSession();
  const can = useCan();
  const go = useGo();
  const [, set] = useAddress();
  const [active, setActive] = useState<string | null>(null);
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [pointed, setPointed] = useState(false);
  const queue = useQueue(view, pointed || active !== null || selected.size > 0);
  const triage = useTriage(queue.put);
  const room = useRoom();

  // What is no longer in the list cannot be acted on by a key.
  const chosen = useMemo(() => queue.rows.filter((row) => selected.has(row.alert_id)), [queue.rows, selected]);
  const current = queue.rows.find((row) => row.alert_id === active) ?? null;
  const targets = chosen.length ? chosen : current ? [current] : [];
  const writes = can("alerts.write");
  const act = (to: AlertResponse["status"]) => targets.length && triage.step(targets, to);
  useKeys(
    "Alerts: the selected ones, else the one under the cursor",
    [
      ...STEPS.map((step) => ({ key: step.key, label: step.label, run: () => void act(step.to) })),
      { key: "m", label: "Assign to me", run: () => targets.length && triage.assign(targets, me.name) },
    ],
    writes,
  );
  useKeys("Alerts", [
    { key: ".", label: "Show what is new", run: queue.refresh },
    {
      key: "Escape", label: "Select nothing",
      run: () => {
        setSelected(new Set());
        setActive(null);
      },
    },
  ]);

  const people = useMemo(() => [...new Set(queue.rows.flatMap((row) => row.assignee ?? []))], [queue.rows]);
  const manyTenants = !tenant && new Set(queue.rows.map((row) => row.tenant_id)).size > 1;
  const columns = useMemo(() => queueColumns(room, manyTenants), [room, manyTenants]);
  const onActive = useCallback((row: AlertResponse | null) => setActive(row?.alert_id ?? null), []);
  const { list } = queue;
  const count = queue.whole
    ? list.total === undefined ? "" : formatTotal(list.total, list.lowerBound)
    : `${formatNumber(queue.rows.length)}${list.hasMore ? "+" : ""}`;

  return (
    <Page title="Alerts" note={count ? <span className="num">{count} in this range<Elsewhere view={view} shown={list.total} /></span> : undefined} fill>
      <QueueFilters view={view} people={people} />
      <div className="queue-bar">
        <span className="faint" aria-live="polite">
          {chosen.length ? `${plural(chosen.length, "alert")} selected` : list.stale ? "Loading…" : writes ? "j k to move, x to select, ? for all keys" : ""}
        </span>
        {queue.waiting > 0 && (
          <Button className="queue-new" hotkey="." onClick={queue.refresh}>
            Show {plural(queue.waiting, "new alert")}
          </Button>
        )}
        {writes && (
          <div className="queue-bar-end">
            {STEPS.filter((step) => step.to !== "open" || targets.some((row) => stepAllowed(row.status, "open"))).map((step) => (
              <Button
                key={step.to} hotkey={step.key} onClick={() => act(step.to)}
                disabled={!targets.some((row) => stepAllowed(row.status, step.to))}
              >
                {step.label}
              </Button>
            ))}
            {targets.length > 0
              ? <AssigneeMenu alerts={targets} triage={triage} known={people} button="Assign ▾" />
              : <Button disabled>Assign ▾</Button>}
          </div>
        )}
      </div>
      {list.error && !queue.rows.length ? (
        <ErrorState error={list.error} what="The alerts" onRetry={list.retry} />
      ) : list.loading ? (
        <Skeleton lines={12} />
      ) : (
        <div className="queue-table" onMouseEnter={() => setPointed(true)} onMouseLeave={() => setPointed(false)}>
          <DataTable
            label="Alerts" columns={columns} rows={queue.rows} rowKey={(row) => row.alert_id} total={queue.whole ? list.total : undefined}
            sort={view.sort} onSort={(sort) => set({ sort: sort.by === "severity" ? null : sort.by, order: sort.order === "asc" ? "asc" : null })}
            onOpen={(row) => go(`/alerts/${row.alert_id}`)} onActive={onActive}
            {...(writes ? { selected, onSelect: setSelected } : {})}
            hasMore={list.hasMore} loadingMore={list.loadingMore} onMore={list.onMore}
            rowClass={(row) =>
              [queue.gone(row) && "queue-gone", queue.fresh.has(row.alert_id) && "queue-fresh"].filter(Boolean).join(" ") || undefined
            }
            empty={list.hasMore ? <Skeleton lines={6} /> : <Nothing view={view} />}
          />
        </div>
      )}
      {triage.dialogs}
    </Page>
  );
}

/** The navigation counts what is open whenever it was: says so where the range shows less of it. */
function Elsewhere({ view, shown }: { view: ReturnType<typeof useQueueView>; shown: number | undefined }) {
  const open = useOpenAlerts();
  const [, set] = useAddress();
  const { host } = useScope();
  const all = !host && !view.filters.length && !view.severity.length && !view.text && !view.assignee && !view.technique;
  if (!open || shown === undefined || !all || !["active", "open"].includes(view.preset ?? "") || open.total <= shown) return null;
  return (
    <>
      {" "}· {formatTotal(open.total, open.lower)} open, whenever they were: <Button kind="quiet" onClick={() => set({ from: WHENEVER, to: null })}>show</Button>
    </>
  );
}

function Nothing({ view }: { view: ReturnType<typeof useQueueView> }) {
  const [, set] = useAddress();
  const { from, to } = useScope();
  const narrowed = view.filters.length || view.severity.length || view.text || view.assignee || view.technique || view.preset !== "active";
  return (
    <EmptyState title={narrowed ? "No alert matches" : "Nothing waits for you here"}>
      <p>
        {narrowed ? "The filters leave no alert of this range." : "No alert of this range is open, acknowledged or investigated."}
      </p>
      <div className="row queue-ways">
        {narrowed ? (
          <Button onClick={() => set({ f: null, severity: null, q: null, assignee: null, technique: null, status: null })}>Clear the filters</Button>
        ) : (
          <Button onClick={() => set({ status: "all" })}>Show closed ones too</Button>
        )}
        {!(from === "now-30d" && to === "now") && <Button onClick={() => set({ from: "now-30d", to: "now" })}>Look at 30 days</Button>}
      </div>
    </EmptyState>
  );
}
