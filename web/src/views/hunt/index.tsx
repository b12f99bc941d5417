// Search of events: text, filters in and out, time; every value leads on.
import { useEffect, useMemo, useState } from "react";
import { listEvents, type EventResponse } from "@/api";
import { useAddress, useFilters, useParam, useScope } from "@/app/scope";
import { useLastData } from "@/app/StatusStrip";
import { formatNumber, formatTotal, words } from "@/lib/format";
import { HUNT_FIELDS, keepEvents, planHunt, type HuntPlan } from "@/lib/hunt";
import { Button } from "@/ui/Button";
import { FilterBar } from "@/ui/FilterBar";
import { Link } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { useCursor } from "@/ui/useCursor";
import { EventPanel } from "./EventPanel";
import { EventTable } from "./EventTable";
import { Export } from "./Export";
import { Histogram } from "./Histogram";
import { Saved } from "./Saved";
import "../attacks/attacks.css";
import "./hunt.css";

const PAGE = 200;
/** Pages asked for without a click, where few rows pass: a search must not run on unseen. */
const BY_ITSELF = 8;

function SearchText() {
  const [q, setQ] = useParam("q");
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  return (
    <form className="hunt-text" role="search" aria-label="Free text" onSubmit={(event) => { event.preventDefault(); setQ(text.trim() || null); }}>
      <input className="input" type="search" aria-label="Text in the event" placeholder="Text anywhere in the event, any case" maxLength={256}
        spellCheck={false} autoComplete="off" value={text} onChange={(event) => setText(event.target.value)}
        onBlur={() => text.trim() !== q && setQ(text.trim() || null)} />
      {q && <Button kind="quiet" aria-label="Clear the text" onClick={() => setQ(null)}>×</Button>}
    </form>
  );
}

/** Says what the figures do not: what the page itself leaves out, and where a search ended. */
function Honest({ plan, list, kept, sparse, onFurther }: {
  plan: HuntPlan; list: { rows: EventResponse[]; incomplete: boolean; hasMore: boolean; loadingMore: boolean };
  kept: number; sparse: boolean; onFurther: () => void;
}) {
  const further = list.hasMore && sparse && <Button kind="quiet" disabled={list.loadingMore} onClick={onFurther}>{list.loadingMore ? "Searching…" : "Search further"}</Button>;
  return (
    <>
      {plan.foreign.map((one) => (
        <p key={`${one.field}${one.value}`} className="honest" role="status">
          No event has a {words(one.field)}; it belongs to verdicts, and is not searched for here.{" "}
          {one.field === "technique" && <Link to="/attacks" params={{ technique: one.value }}>Attacks with <Text value={one.value} max={40} /></Link>}
        </p>
      ))}
      {plan.local.length > 0 && (
        <p className="honest" role="status">
          {formatNumber(kept)} of {formatNumber(list.rows.length)} loaded events pass the filters that the page applies itself
          ({[...new Set(plan.local.map((one) => `${one.out ? "not " : ""}${words(one.field)}`))].join(", ")}). {further}
        </p>
      )}
      {list.incomplete && (
        <p className="honest" role="status">
          The search used up its budget before the end of the range: older events may match. A narrower range or a field filter is faster. {plan.local.length === 0 && further}
        </p>
      )}
    </>
  );
}

export default function Hunt() {
  const { listQuery } = useScope();
  const [search, set] = useAddress();
  const { filters } = useFilters();
  const last = useLastData();
  const [allowed, setAllowed] = useState(BY_ITSELF);
  const order = search.get("order") === "asc" ? "asc" : "desc";
  const text = (search.get("q") ?? "").slice(0, 256);
  const plan = useMemo(() => planHunt({ ...listQuery, order }, filters, text), [listQuery, order, filters, text]);
  useEffect(() => setAllowed(BY_ITSELF), [plan]);
  const list = useCursor(
    ["events", plan.query],
    (cursor, signal) => listEvents({ ...plan.query, limit: PAGE, ...(cursor ? { cursor } : {}) }, signal),
    (page) => page.events,
  );
  const rows = useMemo(() => keepEvents(list.rows, plan.local), [list.rows, plan.local]);
  const sparse = plan.local.length > 0 || list.incomplete;
  const more = list.hasMore && (!sparse || list.pages < allowed);
  const waiting = list.hasMore && more && rows.length === 0;
  const all = list.loading || list.stale || list.hasMore ? null : rows;
  const panel = search.get("panel");
  const open = (event: EventResponse | null) => set({ panel: event?.event_id ?? null, at: event ? String(event.timestamp) : null, ...(event ? {} : { tab: null }) });
  const total = list.total === undefined ? undefined
    : `${formatTotal(Math.max(list.total, list.rows.length), list.lowerBound && list.hasMore)} events${plan.local.length ? " before the page's filters" : ""}${list.stale ? ", searching…" : ""}`;
  const narrowed = filters.length > 0 || text !== "";
  return (
    <Page title="Hunt" note={total} fill
      actions={<><Saved /><Export query={plan.query} rows={rows} partial={plan.local.length > 0} /></>}>
      <div className="toolbar">
        <FilterBar fields={HUNT_FIELDS}><SearchText /></FilterBar>
      </div>
      <Honest plan={plan} list={list} kept={rows.length} sparse={sparse && !more}
        onFurther={() => { setAllowed(list.pages + BY_ITSELF); list.onMore(); }} />
      {list.error && !list.rows.length ? <ErrorState error={list.error} what="The events" onRetry={list.retry} /> : (
        <>
          {(list.loading || list.rows.length > 0) && (
            <div className="hunt-histogram">
              <Histogram query={plan.query} all={all} ready={!list.loading && !list.stale} before={plan.local.length > 0 && all === null} />
            </div>
          )}
          {list.loading ? <Skeleton lines={14} /> : (
            <EventTable rows={rows} total={plan.local.length ? undefined : list.total} order={order} onOrder={(next) => set({ order: next === "asc" ? "asc" : null })}
              openKey={panel} onOpen={open} hasMore={more} loadingMore={list.loadingMore} onMore={list.onMore}
              empty={waiting ? <EmptyState title="Searching…" /> : (
                <EmptyState title={narrowed ? "No event matches" : "No event in this range"} lastData={last}>
                  {narrowed ? <Button kind="quiet" onClick={() => set({ f: null, q: null, saved: null })}>Clear the search</Button> : "Send events with logster replay or point a collector at the platform."}
                </EmptyState>
              )} />
          )}
        </>
      )}
      {panel && <EventPanel key={panel} id={panel} at={search.get("at") ?? ""} known={list.rows.find((one) => one.event_id === panel)} onClose={() => open(null)} />}
    </Page>
  );
}
