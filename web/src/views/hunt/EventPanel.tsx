// One event: its fields, each to pivot from, and the record that it was made from.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { getEvent, type EventResponse } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { formatDuration, formatTime, words } from "@/lib/format";
import { filterField, sortedFields } from "@/lib/hunt";
import { formatPoint } from "@/lib/range";
import { Button } from "@/ui/Button";
import { useGo } from "@/ui/Link";
import { Facts, Panel } from "@/ui/Panel";
import { ErrorState, Skeleton } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";
import { Value } from "@/ui/Value";

const MAX_LINES = 1000;
const LINE = 4000;
/** What stands above, or means nothing to a reader. */
const HIDDEN = new Set(["time_shift"]);

function rawText(raw: unknown): string {
  if (raw === null || raw === undefined) return "";
  return typeof raw === "string" ? raw : JSON.stringify(raw, null, 2);
}

function Raw({ event }: { event: EventResponse }) {
  const toast = useToast();
  const text = useMemo(() => rawText(event.raw_event), [event]);
  if (!text) return <p className="faint">The record was not kept.</p>;
  // By lines, so that a line feed inside of a value is a mark and not a new line of the record.
  const lines = text.split("\n");
  const copy = () => navigator.clipboard.writeText(text).then(
    () => toast({ text: "Copied" }), () => toast({ text: "The browser did not let the page copy", kind: "problem" }));
  return (
    <>
      <div><Button onClick={() => void copy()}>Copy the record</Button></div>
      <div className="raw" tabIndex={0} role="region" aria-label="Raw record">
        {lines.slice(0, MAX_LINES).map((line, at) => <div key={at}>{line ? <Text value={line} max={LINE} mono wrap /> : "\u00a0"}</div>)}
        {lines.length > MAX_LINES && <div className="faint">… {lines.length - MAX_LINES} more lines: copy the record to see them</div>}
      </div>
    </>
  );
}

function Fields({ event }: { event: EventResponse }) {
  const { zone } = useScope();
  const own = sortedFields(event.data).filter((one) => !HIDDEN.has(one.field));
  return (
    <>
      <Facts items={[
        ["time", <Time key="t" at={event.timestamp} style="full" />],
        event.claimed_timestamp !== undefined && ["claimed time", formatTime(event.claimed_timestamp, zone, "full")],
        ["received", <Time key="r" at={event.received_at} style="full" />],
        event.time_shift ? ["moved by a replay", formatDuration(event.time_shift)] : null,
        ["host", <Value key="h" field="host" value={event.endpoint_id} max={120} />],
        event.hostname !== event.endpoint_id && ["host name", <Text key="n" value={event.hostname} max={120} />],
        ["event", <Value key="e" field="event_type" value={event.event_type} />],
        ["source", <span key="s"><Value field="source" value={event.source} /> {event.event_code !== undefined && <span className="faint">event {event.event_code}</span>}</span>],
        ["platform", <Value key="p" field="platform" value={event.platform} />],
        event.flags?.length ? ["flags", <Text key="f" value={event.flags.map(words).join(", ")} max={200} wrap />] : null,
      ]} />
      <h3>Fields</h3>
      <Facts items={own.map((one) => [
        words(one.field),
        <span key={one.field} className="long-value"><Value field={filterField(one.field)} value={one.value} max={4000} mono /></span>,
      ] as const)} />
    </>
  );
}

function Around({ event }: { event: EventResponse }) {
  const go = useGo();
  const guid = event.data.process_guid;
  const range = (before: number, after: number) => ({ from: formatPoint(event.timestamp - before), to: formatPoint(event.timestamp + after) });
  return (
    <div className="row row-wrap">
      <Button onClick={() => go("/hunt", { ...range(30, 30), host: event.endpoint_id })}>What the host did around it</Button>
      {typeof guid === "string" && guid && (
        <Button onClick={() => go("/hunt", { f: [`process_guid:${guid}`], host: event.endpoint_id })}>All of its process</Button>
      )}
      <Button onClick={() => go("/attacks", { ...range(0, 600), host: event.endpoint_id, prediction: "any" })}>Verdicts on its window</Button>
    </div>
  );
}

export function EventPanel({ id, at, known, onClose }: { id: string; at: string; known: EventResponse | undefined; onClose: () => void }) {
  const [tab, setTab] = useParam("tab", "fields");
  const full = useQuery({
    queryKey: ["event", id],
    queryFn: ({ signal }) => getEvent(id, { ...(at ? { time: at } : {}), raw: true }, signal),
    staleTime: Infinity,
  });
  const event = full.data ?? known;
  return (
    <Panel wide onClose={onClose} title={event ? words(event.event_type) : "Event"}>
      {!event ? (full.error ? <ErrorState error={full.error} what="The event" onRetry={() => void full.refetch()} /> : <Skeleton lines={10} />) : (
        <>
          <Around event={event} />
          <Tabs label="Event" tabs={[{ id: "fields", label: "Fields" }, { id: "raw", label: "Raw record" }]} value={tab} onChange={setTab}>
            {tab !== "raw" ? <Fields event={event} />
              : full.data ? <Raw event={full.data} />
              : full.error ? <ErrorState error={full.error} what="The record" onRetry={() => void full.refetch()} /> : <Skeleton lines={10} />}
          </Tabs>
        </>
      )}
    </Panel>
  );
}
