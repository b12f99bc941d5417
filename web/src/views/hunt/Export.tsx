// The search as a file. The platform writes it; what the page sorted out itself, the page writes.
import { exportEventsUrl, type EventResponse, type ListEventsQuery } from "@/api";
import { download, toCsv } from "@/lib/csv";
import { formatNumber } from "@/lib/format";
import { formatPoint } from "@/lib/range";
import { Menu } from "@/ui/Menu";

const MOST = 100_000;
const COLUMNS = ["image", "command_line", "user", "process_guid", "parent_image", "target_filename", "target_object", "query_name", "source_ip", "destination_ip", "destination_port"];

function fromPlatform(query: ListEventsQuery, format: "csv" | "ndjson", raw: boolean): void {
  const link = document.createElement("a");
  link.href = exportEventsUrl({ ...query, format, limit: MOST, ...(raw ? { raw } : {}) });
  link.download = `events.${format}`;
  link.click();
}

function ownCsv(rows: readonly EventResponse[]): void {
  const cell = (value: unknown) => (typeof value === "string" || typeof value === "number" ? value : value === undefined ? null : JSON.stringify(value));
  const lines = rows.map((row) => [
    formatPoint(row.timestamp), row.tenant_id, row.endpoint_id, row.platform, row.source, row.event_type, row.event_id,
    ...COLUMNS.map((name) => cell(row.data[name])),
  ]);
  download("events.csv", "text/csv;charset=utf-8", toCsv(["timestamp", "tenant_id", "endpoint_id", "platform", "source", "event_type", "event_id", ...COLUMNS], lines));
}

function ownNdjson(rows: readonly EventResponse[]): void {
  download("events.ndjson", "application/x-ndjson", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

export function Export({ query, rows, partial }: { query: ListEventsQuery; rows: readonly EventResponse[]; partial: boolean }) {
  const shown = `the ${formatNumber(rows.length)} rows shown`;
  return (
    <Menu align="end" button={<>Export <span aria-hidden="true">▾</span></>}
      items={partial ? [
        { kind: "heading", label: `With the page's filters: ${shown}` },
        { label: "CSV", run: () => ownCsv(rows) }, { label: "JSON lines", run: () => ownNdjson(rows) },
      ] : [
        { kind: "heading", label: `All that is found, at most ${formatNumber(MOST)}` },
        { label: "CSV, safe to open in a spreadsheet", run: () => fromPlatform(query, "csv", false) },
        { label: "JSON lines", run: () => fromPlatform(query, "ndjson", false) },
        { label: "JSON lines with the raw records", run: () => fromPlatform(query, "ndjson", true) },
      ]} />
  );
}
