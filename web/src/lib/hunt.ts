// What a hunt asks the platform for, what the page sorts out itself, and how an event reads in a line.
import type { EventResponse, ListEventsQuery } from "@/api";
import type { Filter } from "./filters";
import { searchPart } from "./safetext";

type EventType = NonNullable<ListEventsQuery["event_type"]>[number];

export const EVENT_TYPES: readonly EventType[] = [
  "process_create", "process_fork", "process_terminate", "process_access", "process_ptrace", "process_signal",
  "process_tamper", "remote_thread", "credential_change", "image_load", "driver_load", "kernel_module_load",
  "file_open", "file_write", "file_create", "file_time_change", "file_stream_create", "file_delete", "file_rename",
  "file_link", "file_mode_change", "file_owner_change", "file_blocked", "file_executable_detected", "memfd_create",
  "raw_access_read", "registry_key", "registry_value_set", "registry_rename", "pipe_create", "pipe_connect",
  "wmi_filter", "wmi_consumer", "wmi_binding", "network_connect", "network_accept", "network_bind", "network_listen",
  "dns_query", "clipboard_change", "sysmon_state", "sysmon_config", "logon", "logon_failed", "logon_explicit",
  "privileges_assigned", "object_handle", "object_access", "service_install", "task_create", "user_create",
  "group_member_add", "share_access", "share_object_access", "log_clear", "powershell_engine", "powershell_pipeline",
  "powershell_module", "script_block", "mount", "bpf", "audit_config",
];

/** Fields to type a filter by; any other field of an event works as well. */
export const HUNT_FIELDS = [
  "host", "event_type", "image", "user", "hash", "ip", "process_guid", "command_line", "parent_image", "parent_command_line",
  "target_filename", "target_object", "query_name", "destination_hostname", "destination_port", "process_id", "platform", "source",
] as const;

export interface HuntPlan {
  query: ListEventsQuery;
  /** Applied by the page to the rows that came. */
  local: Filter[];
  /** What no event has: techniques and severities belong to verdicts. */
  foreign: Filter[];
}

/** The platform's own bound on a parameter, in bytes. */
const MAX_VALUE = 256;
const SERVER: Record<string, "endpoint" | "user" | "image" | "hash" | "ip" | "process_guid"> = {
  host: "endpoint", endpoint: "endpoint", user: "user", image: "image", process: "image", hash: "hash", ip: "ip", address: "ip",
  process_guid: "process_guid",
};
/** The same, turned round: each may be given several times. */
const WITHOUT = {
  endpoint: "not_endpoint", user: "not_user", image: "not_image", hash: "not_hash", ip: "not_ip", process_guid: "not_process_guid",
} as const;
const MOST_WITHOUT = 16;
const FOREIGN = new Set(["technique", "severity", "status", "assignee", "tactic", "prediction"]);

function fits(value: string): boolean {
  return new TextEncoder().encode(value).length <= MAX_VALUE;
}

/** Text that stands in an event as it stands here: free text can narrow the search down to it. */
function searchable(value: string): boolean {
  return value.length >= 3 && fits(value) && !/["\u0000-\u001f\u007f]/.test(value);
}

/**
 * The platform searches for one value of each of its fields and leaves out several, likewise event
 * types, and searches for one free text. The rest is applied to the rows that come; the first such value also narrows the search as text.
 */
export function planHunt(base: ListEventsQuery, filters: readonly Filter[], text: string): HuntPlan {
  const part = searchPart(text);
  const query: ListEventsQuery = { ...base, ...(part ? { q: part } : {}) };
  const local: Filter[] = [];
  const foreign: Filter[] = [];
  for (const filter of filters) {
    const name = SERVER[filter.field];
    const type = EVENT_TYPES.find((one) => one === filter.value);
    const left = name ? query[WITHOUT[name]] ?? [] : [];
    if (FOREIGN.has(filter.field)) foreign.push(filter);
    else if (filter.out && name && left.length < MOST_WITHOUT && fits(filter.value)) query[WITHOUT[name]] = [...left, filter.value];
    else if (filter.out && filter.field === "event_type" && type) query.not_event_type = [...(query.not_event_type ?? []), type];
    else if (!filter.out && name && !query[name] && fits(filter.value)) query[name] = filter.value;
    else if (!filter.out && filter.field === "event_type" && type) query.event_type = [...(query.event_type ?? []), type];
    else local.push(filter);
  }
  const narrowing = local.find((one) => !one.out && searchable(one.value));
  if (narrowing && !query.q) query.q = narrowing.value;
  return { query, local, foreign };
}

/** Names that views and people use for several fields of an event. */
const ALIASES: Record<string, readonly string[]> = {
  image: ["image"], process: ["image"], user: ["user"], hash: ["md5", "sha1", "sha256", "imphash", "hashes", "hash"],
  ip: ["source_ip", "destination_ip", "ip_address"], address: ["source_ip", "destination_ip", "ip_address"],
  file: ["target_filename", "image_loaded", "path"], module: ["image_loaded"], registry: ["target_object"], pipe: ["pipe_name"],
  domain: ["query_name", "destination_hostname"], account: ["user", "target_user_name", "subject_user_name"],
  service: ["service_name"], task: ["task_name"], share: ["share_name"],
};
const PATHS = new Set(["image", "process", "parent_image", "target_image", "module", "file"]);
/** Found as a part of the value: names of nodes are often less than an event's own. */
const PARTS = new Set(["hashes", "target_object", "target_user_name", "subject_user_name", "user"]);

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function topLevel(event: EventResponse, field: string): Array<string | null> | null {
  switch (field) {
    case "host":
    case "endpoint": return [event.endpoint_id, event.hostname];
    case "tenant": return [event.tenant_id];
    case "event_id": return [event.event_id];
    case "event_type": return [event.event_type];
    case "event_code": return [asText(event.event_code)];
    case "platform": return [event.platform];
    case "source": return [event.source];
    case "format": return [event.format ?? null];
    default: return null;
  }
}

export function eventHas(event: EventResponse, field: string, value: string): boolean {
  const wanted = value.toLowerCase();
  const top = topLevel(event, field);
  if (top) return top.some((one) => one?.toLowerCase() === wanted);
  return (ALIASES[field] ?? [field]).some((name) => {
    const found = asText(event.data[name])?.toLowerCase();
    if (found === undefined) return false;
    if (found === wanted) return true;
    if (PATHS.has(field) && !/[\\/]/.test(wanted)) return found.split(/[\\/]/).pop() === wanted;
    return PARTS.has(name) && field !== name && found.includes(wanted);
  });
}

export function keepEvents(events: readonly EventResponse[], local: readonly Filter[]): EventResponse[] {
  if (!local.length) return [...events];
  return events.filter((event) => local.every((filter) => eventHas(event, filter.field, filter.value) !== filter.out));
}

/** A field of an event's data, by the name that filters have for it. */
export function filterField(name: string): string {
  if (["md5", "sha1", "sha256", "imphash"].includes(name)) return "hash";
  if (["source_ip", "destination_ip", "ip_address"].includes(name)) return "ip";
  return name;
}

export interface Piece {
  field: string;
  value: string;
}

/** What an event is about, by its type's prefix: the first fields that it has, in this order. */
const ABOUT: ReadonlyArray<readonly [RegExp, readonly string[]]> = [
  [/^process_(create|fork)/, ["command_line", "image"]],
  [/^process_access|^remote_thread|^process_tamper/, ["target_image", "granted_access"]],
  [/^network|^dns/, ["query_name", "destination_hostname", "destination_ip", "destination_port"]],
  [/^file|^memfd/, ["target_filename", "path"]],
  [/^registry/, ["target_object", "details"]],
  [/^image_load|^driver|^kernel/, ["image_loaded", "signature"]],
  [/^pipe/, ["pipe_name"]],
  [/^wmi/, ["name", "query", "destination"]],
  [/^logon|^privileges|^credential/, ["target_user_name", "user", "ip_address", "logon_type"]],
  [/^service|^task/, ["service_name", "task_name", "image_path"]],
  [/^share/, ["share_name", "relative_target_name"]],
  [/^script|^powershell/, ["script_block_text", "payload", "host_application"]],
];
const ANYTHING = ["command_line", "target_filename", "target_object", "target_image", "query_name", "destination_ip", "object_name", "path", "description"];

export function aboutEvent(event: EventResponse): Piece[] {
  const names = ABOUT.find(([type]) => type.test(event.event_type))?.[1] ?? [];
  const found = (list: readonly string[]) => list.flatMap((name): Piece[] => {
    const value = asText(event.data[name]);
    return value && value !== "-" ? [{ field: name, value }] : [];
  });
  const own = found(names).slice(0, 3);
  return own.length ? own : found(ANYTHING).slice(0, 1);
}

/** Where a reader looks first; the rest by name. */
const FIRST = ["image", "command_line", "user", "process_id", "process_guid", "parent_image", "parent_command_line", "parent_process_id", "current_directory"];

export function sortedFields(data: Record<string, unknown>): Piece[] {
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return Object.entries(data)
    .flatMap(([field, value]) => {
      const text = asText(value);
      return text === null || text === "" ? [] : [{ field, value: text }];
    })
    .sort((a, b) => rank(a.field) - rank(b.field) || (a.field < b.field ? -1 : 1));
}

export interface SavedQuery {
  q: string;
  f: string[];
  from: string;
  to: string;
  host: string;
  order: string;
}

/** What others have saved is as hostile as any other input. */
export function readSaved(query: Record<string, unknown>): SavedQuery {
  const text = (name: string) => (typeof query[name] === "string" ? (query[name] as string).slice(0, 1000) : "");
  const f = Array.isArray(query.f) ? query.f.filter((one): one is string => typeof one === "string").slice(0, 32) : [];
  return { q: text("q"), f, from: text("from"), to: text("to"), host: text("host"), order: text("order") === "asc" ? "asc" : "" };
}
