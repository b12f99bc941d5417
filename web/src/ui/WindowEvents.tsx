// The events of a host in a range, and each with the record that it was made from.
import { useQuery } from "@tanstack/react-query";
import { getEvent, listEvents, type EventResponse } from "@/api";
import { useAddress } from "@/app/scope";
import { eventActor, eventObject } from "@/lib/eventtext";
import { formatTotal, plural } from "@/lib/format";
import { DataTable, type Column } from "./DataTable";
import { Link } from "./Link";
import { Facts, Panel } from "./Panel";
import { EmptyState, ErrorState, Loaded, Skeleton } from "./states";
import { Text } from "./Text";
import { Time } from "./Time";
import { useCursor } from "./useCursor";
import { Value } from "./Value";

const PAGE = 200;
const MOST_LINES = 2000;

const COLUMNS: ReadonlyArray<Column<EventResponse>> = [
  { id: "time", header: "Time", width: "104px", cell: (event) => <Time at={event.timestamp} style="clock" /> },
  { id: "type", header: "Type", width: "150px", cell: (event) => <Text value={event.event_type.replaceAll("_", " ")} max={40} /> },
  { id: "actor", header: "Process", width: "minmax(110px, 180px)", cell: (event) => <Text value={eventActor(event.data)} max={40} /> },
  { id: "object", header: "What", width: "minmax(220px, 1fr)", cell: (event) => <Text value={eventObject(event.event_type, event.data)} max={300} mono /> },
  { id: "user", header: "User", width: "minmax(90px, 170px)", cell: (event) => <Text value={typeof event.data.user === "string" ? event.data.user : null} max={40} /> },
];

/** Fields that the menu of a value can filter by in Hunt. */
const FIELDS: Record<string, string> = {
  user: "user", image: "image", sha256: "hash", sha1: "hash", md5: "hash", process_guid: "process_guid", source_ip: "ip", destination_ip: "ip", parent_image: "image",
};

function rawText(raw: unknown): string {
  return typeof raw === "string" ? raw : raw === undefined ? "" : JSON.stringify(raw, null, 2);
}

function shown(name: string, value: unknown) {
  if (typeof value === "string" && FIELDS[name]) return <Value field={FIELDS[name]} value={value} max={120} mono />;
  return <Text value={typeof value === "string" ? value : JSON.stringify(value)} max={4000} mono wrap />;
}

export function EventPanel({ id, time, onClose }: { id: string; time: string | null; onClose: () => void }) {
  const event = useQuery({
    queryKey: ["event", id], queryFn: ({ signal }) => getEvent(id, { raw: true, ...(time ? { time } : {}) }, signal), staleTime: 300_000,
  });
  return (
    <Panel title={event.data ? event.data.event_type.replaceAll("_", " ") : "Event"} wide onClose={onClose}>
      <Loaded query={event} what="The event" skeleton={<Skeleton lines={12} />}>
        {(got) => (
          <>
            <Facts
              items={[
                ["Time", <Time at={got.timestamp} style="full" />], ["Host", <Value field="host" value={got.endpoint_id} />],
                ["Source", <Text value={`${got.source}${got.event_code === undefined ? "" : ` ${got.event_code}`}`} />],
                got.flags?.length ? ["Flags", got.flags.join(", ").replaceAll("_", " ")] : null,
                ["Received", <Time at={got.received_at} />],
              ]}
            />
            <section><h3>Fields</h3><Facts items={Object.entries(got.data).filter(([name]) => name !== "time_shift").map(([name, value]) => [name.replaceAll("_", " "), shown(name, value)] as const)} /></section>
            <section>
              <h3>The record as it came</h3>
              <div className="raw-record" tabIndex={0} role="region" aria-label="The record as it came">
                {rawText(got.raw_event).split("\n", MOST_LINES).map((line, at) => <div key={at}><Text value={line || " "} max={20_000} mono wrap /></div>)}
              </div>
            </section>
          </>
        )}
      </Loaded>
    </Panel>
  );
}

export function WindowEvents({ tenantId, endpointId, from, to, height = 460 }: { tenantId: string; endpointId: string; from: number; to: number; height?: number }) {
  const [search, set] = useAddress();
  const panel = search.get("panel");
  const query = { tenant_id: tenantId, endpoint: endpointId, from: String(from), to: String(to), order: "asc" as const, limit: PAGE };
  const list = useCursor(["events", query], (cursor, signal) => listEvents({ ...query, ...(cursor ? { cursor } : {}) }, signal), (page) => page.events);
  if (list.error && !list.rows.length) return <ErrorState error={list.error} what="The events" onRetry={list.retry} />;
  if (list.loading) return <Skeleton lines={10} />;
  const total = list.total ?? list.rows.length;
  return (
    <div className="stack">
      <div className="spread">
        <span className="faint num">{list.lowerBound ? `${formatTotal(total, true)} events` : plural(total, "event")}, as they happened</span>
        <Link to="/hunt" params={{ host: endpointId, tenant: tenantId, from: String(from), to: String(to) }}>In Hunt</Link>
      </div>
      <DataTable
        label="Events" columns={COLUMNS} rows={list.rows} rowKey={(event) => event.event_id} total={list.total} rowHeight={28} height={height}
        hasMore={list.hasMore} loadingMore={list.loadingMore} onMore={list.onMore} openKey={panel}
        onOpen={(event) => set({ panel: event.event_id, at: String(event.timestamp) })}
        empty={<EmptyState title="No event is stored">The window's events are no longer kept, or were never stored.</EmptyState>}
      />
      {panel && <EventPanel key={panel} id={panel} time={search.get("at")} onClose={() => set({ panel: null, at: null })} />}
    </div>
  );
}
