// What a process touched, out of its events: files, addresses, registry keys; the same one once.

interface LeafEvent {
  event_id: string;
  event_type: string;
  timestamp: number;
  data: Record<string, unknown>;
}

export type LeafKind = "file" | "network" | "registry";

export interface Leaf {
  kind: LeafKind;
  /** "file create", "network connect" */
  action: string;
  name: string;
  /** Field and value of the filter that finds it again. */
  field: string;
  value: string;
  /** "" where there is none. */
  port: string;
  count: number;
  first: number;
  event_id: string;
}

const KINDS: ReadonlyArray<readonly [LeafKind, RegExp]> = [
  ["registry", /^registry_/],
  ["network", /^(network_|dns_)/],
  ["file", /^(file_|image_load|driver_load|raw_access|pipe_)/],
];

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** First of the members that says something, and its name: Hunt filters by it. */
function pick(data: Record<string, unknown>, names: readonly string[]): { field: string; value: string } {
  for (const field of names) {
    const value = text(data[field]);
    if (value) return { field, value };
  }
  return { field: "", value: "" };
}

type What = Pick<Leaf, "name" | "field" | "value" | "port">;

/** What was spoken to: the name asked for, else the address. */
function address(data: Record<string, unknown>): What {
  const found = pick(data, ["query_name", "destination_ip", "destination_hostname", "source_ip"]);
  const port = found.field === "query_name" ? "" : text(data.destination_port).replace(/^0$/, "");
  const field = found.field.endsWith("_ip") ? "ip" : found.field;
  return { name: port ? `${found.value}:${port}` : found.value, value: found.value, port, field };
}

function named(data: Record<string, unknown>, names: readonly string[]): What {
  const found = pick(data, names);
  return { ...found, name: found.value, port: "" };
}

export function leafKind(type: string): LeafKind | null {
  return KINDS.find(([, pattern]) => pattern.test(type))?.[0] ?? null;
}

export function leaves(events: readonly LeafEvent[]): Leaf[] {
  const known = new Map<string, Leaf>();
  for (const event of events) {
    const kind = leafKind(event.event_type);
    if (!kind) continue;
    const what =
      kind === "network" ? address(event.data)
      : named(event.data, kind === "registry" ? ["target_object"] : ["target_filename", "image_loaded", "pipe_name", "device"]);
    if (!what.value) continue;
    const action = event.event_type.replaceAll("_", " ");
    const key = `${action}\u0000${what.name}`;
    const leaf = known.get(key);
    if (leaf) {
      leaf.count++;
      leaf.first = Math.min(leaf.first, event.timestamp);
    } else {
      known.set(key, { kind, action, ...what, count: 1, first: event.timestamp, event_id: event.event_id });
    }
  }
  return [...known.values()].sort((a, b) => a.first - b.first);
}
