import type { ReactNode } from "react";
import type { EventResponse } from "@/api";
import { aboutEvent, filterField } from "@/lib/hunt";
import { DataTable, type Column, type Sort } from "@/ui/DataTable";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";

const textOf = (value: unknown) => (typeof value === "string" ? value : null);

function About({ event }: { event: EventResponse }) {
  const found = aboutEvent(event);
  if (!found.length) return <span className="faint">–</span>;
  return (
    <span className="event-about">
      {found.map((one) => (
        <Value key={one.field} field={filterField(one.field)} value={one.value} max={160} mono middle={!one.field.includes("command")} />
      ))}
    </span>
  );
}

const COLUMNS: ReadonlyArray<Column<EventResponse>> = [
  { id: "time", header: "Time", width: "176px", sortBy: "time", cell: (event) => <Time at={event.timestamp} style="full" /> },
  { id: "host", header: "Host", width: "minmax(88px, 0.5fr)", cell: (event) => <Value field="host" value={event.endpoint_id} max={32} middle /> },
  { id: "type", header: "Event", width: "minmax(124px, 0.5fr)",
    cell: (event) => <Value field="event_type" value={event.event_type} max={32} /> },
  { id: "image", header: "Program", width: "minmax(136px, 0.9fr)",
    cell: (event) => <Value field="image" value={textOf(event.data.image)} max={24} middle /> },
  { id: "about", header: "What", width: "minmax(180px, 2.4fr)", cell: (event) => <About event={event} /> },
  { id: "user", header: "User", width: "minmax(104px, 0.6fr)", cell: (event) => <Value field="user" value={textOf(event.data.user)} max={20} middle /> },
];

interface Props {
  rows: readonly EventResponse[];
  total: number | undefined;
  order: "asc" | "desc";
  onOrder: (order: "asc" | "desc") => void;
  openKey: string | null;
  onOpen: (event: EventResponse) => void;
  hasMore: boolean;
  loadingMore: boolean;
  onMore: () => void;
  empty: ReactNode;
}

export function EventTable({ order, onOrder, ...rest }: Props) {
  const sort: Sort = { by: "time", order };
  return (
    <DataTable {...rest} label="Events" columns={COLUMNS} rowKey={(event) => event.event_id} rowHeight={28} sort={sort} onSort={(next) => onOrder(next.order)} />
  );
}

