// One line that says what an event tells: for tables; the whole of it stands in the panel.
import { baseName } from "./process";

type Data = Record<string, unknown>;

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function first(data: Data, names: readonly string[]): string {
  for (const name of names) {
    const value = text(data[name]);
    if (value) return value;
  }
  return "";
}

/** The program that acts. */
export function eventActor(data: Data): string {
  return baseName(first(data, ["image", "comm", "source_image"]));
}

export function eventObject(type: string, data: Data): string {
  if (type === "process_create") return first(data, ["command_line", "image"]);
  if (type.startsWith("network_") || type === "dns_query") {
    const host = first(data, ["query_name", "destination_hostname", "destination_ip", "source_ip"]);
    const port = text(data.destination_port);
    return port && type !== "dns_query" ? `${host}:${port}` : host;
  }
  if (type.startsWith("registry_")) return [text(data.target_object), text(data.details)].filter(Boolean).join(" = ");
  if (type === "file_rename" || type === "file_link") return [text(data.target_filename), text(data.new_filename)].filter(Boolean).join(" → ");
  return first(data, [
    "target_filename", "target_image", "image_loaded", "pipe_name", "script_block_text", "service_file_name", "service_name", "task_name", "object_name",
    "share_name", "target_user_name", "target_user", "device", "command_line",
  ]);
}

/** Log-odds as a probability; null stays null. */
export function oddsToProb(odds: number | null | undefined): number | null {
  return typeof odds === "number" && Number.isFinite(odds) ? 1 / (1 + Math.exp(-odds)) : null;
}

/** Counts of a ledger that say that something could not be seen, largest first. */
export function ledgerGaps(ledger: Record<string, unknown> | undefined): Array<[string, number]> {
  const neutral = new Set(["from", "to", "windows", "events", "duplicates", "range_incomplete"]);
  return Object.entries(ledger ?? {})
    .filter((one): one is [string, number] => typeof one[1] === "number" && one[1] > 0 && !neutral.has(one[0]))
    .sort((a, b) => b[1] - a[1]);
}

/** Part of a host's events that reached a verdict; null where none is known. */
export function receivedShare(ledger: Record<string, unknown> | undefined): number | null {
  const count = (name: string) => (typeof ledger?.[name] === "number" ? (ledger[name] as number) : 0);
  const seen = count("events");
  const lost = count("missed") + count("refused") + count("late_dropped");
  return seen + lost > 0 ? seen / (seen + lost) : null;
}
