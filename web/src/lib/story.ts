// An alert's story in plain words: typed events put in order, at most fifteen lines, each with its
// event. Nothing is guessed: a line says what one event (or evidence without one) says.
import type { EventResponse, Evidence } from "@/api";
import { baseName, foldKey, foldRepeats } from "./process";

export const STORY_LINES = 15;

export interface StoryLine {
  key: string;
  at: number;
  /** Who did it: a program's name. */
  actor: string;
  verb: string;
  /** What it was done to; shown with its full value on hover. */
  object: string;
  /** Filter name of the object, for its menu. */
  field: string;
  detail: string;
  techniques: string[];
  share: number;
  event: EventResponse | null;
  /** Events that say the same. */
  times: number;
}

type Data = Record<string, unknown>;

function text(data: Data, name: string): string {
  const value = data[name];
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

interface Told {
  verb: string;
  object: string;
  field: string;
  detail?: string;
}

function hex(value: unknown): string {
  return typeof value === "number" ? `0x${value.toString(16)}` : "";
}

function address(data: Data): string {
  const host = text(data, "destination_hostname") || text(data, "destination_ip") || text(data, "remote_address");
  const port = text(data, "destination_port");
  return host && port ? `${host}:${port}` : host || port;
}

type Teller = (data: Data) => Told;
const file = (verb: string, name = "target_filename"): Teller => (data) => ({ verb, object: text(data, name), field: "file" });
const registry = (verb: string): Teller => (data) => ({
  verb, object: text(data, "target_object"), field: "registry", ...(text(data, "details") ? { detail: `to ${text(data, "details")}` } : {}),
});

const TELL: Record<string, Teller> = {
  process_fork: (data) => ({ verb: "forked", object: text(data, "target_image") || text(data, "image"), field: "process" }),
  process_terminate: () => ({ verb: "ended", object: "", field: "process" }),
  process_access: (data) => ({
    verb: "opened process", object: text(data, "target_image"), field: "process",
    ...(data.granted_access === undefined ? {} : { detail: `with access ${hex(data.granted_access)}` }),
  }),
  process_ptrace: (data) => ({ verb: "traced process", object: text(data, "target_image") || text(data, "target_process_id"), field: "process" }),
  process_signal: (data) => ({ verb: "signalled", object: text(data, "target_image") || text(data, "target_process_id"), field: "process" }),
  process_tamper: (data) => ({ verb: "has an image that was tampered with", object: text(data, "tamper_type"), field: "process" }),
  remote_thread: (data) => ({ verb: "started a thread in", object: text(data, "target_image"), field: "process" }),
  image_load: file("loaded", "image_loaded"), driver_load: file("loaded the driver", "image_loaded"),
  kernel_module_load: file("loaded the kernel module", "module_name"),
  file_open: file("opened"), file_write: file("wrote"), file_create: file("created"), file_delete: file("deleted"),
  file_time_change: file("changed the creation time of"), file_stream_create: file("wrote the stream"),
  file_rename: (data) => ({ verb: "renamed", object: text(data, "target_filename"), field: "file", detail: `to ${text(data, "new_filename")}` }),
  file_link: (data) => ({ verb: "linked", object: text(data, "target_filename"), field: "file", detail: `as ${text(data, "new_filename")}` }),
  file_mode_change: file("changed the mode of"), file_owner_change: file("changed the owner of"),
  file_blocked: file("was stopped from writing"), file_executable_detected: file("wrote the executable"),
  memfd_create: file("made an unnamed file in memory", "memfd_name"), raw_access_read: file("read raw sectors of", "device"),
  registry_key: (data) => registry(/delete/i.test(text(data, "registry_event_type")) ? "deleted the key" : "created the key")(data),
  registry_value_set: registry("set"), registry_rename: registry("renamed"),
  pipe_create: file("created the pipe", "pipe_name"), pipe_connect: file("connected to the pipe", "pipe_name"),
  wmi_filter: file("made the WMI filter", "wmi_name"), wmi_consumer: file("made the WMI consumer", "wmi_name"),
  wmi_binding: file("bound the WMI consumer", "wmi_consumer"),
  network_connect: (data) => ({ verb: "connected to", object: address(data), field: "ip" }),
  network_accept: (data) => ({ verb: "accepted a connection from", object: text(data, "source_ip") || text(data, "remote_address"), field: "ip" }),
  network_bind: (data) => ({ verb: "took the port", object: text(data, "source_port") || address(data), field: "ip" }),
  network_listen: (data) => ({ verb: "listened on", object: text(data, "source_port") || address(data), field: "ip" }),
  dns_query: file("asked for the name", "query_name"),
  logon: (data) => ({
    verb: "logged on", object: text(data, "target_user_name") || text(data, "account"), field: "user",
    ...(text(data, "ip_address") ? { detail: `from ${text(data, "ip_address")}` } : {}),
  }),
  logon_failed: (data) => ({ verb: "failed to log on as", object: text(data, "target_user_name") || text(data, "account"), field: "user" }),
  logon_explicit: (data) => ({ verb: "used the credentials of", object: text(data, "target_user_name"), field: "user" }),
  privileges_assigned: (data) => ({ verb: "got special privileges as", object: text(data, "subject_user_name"), field: "user" }),
  object_access: file("accessed", "object_name"), object_handle: file("asked for a handle to", "object_name"),
  service_install: (data) => ({ verb: "installed the service", object: text(data, "service_name"), field: "service", detail: text(data, "service_file_name") }),
  task_create: file("created the scheduled task", "task_name"),
  user_create: (data) => ({ verb: "created the account", object: text(data, "target_user_name") || text(data, "sam_account_name"), field: "user" }),
  group_member_add: (data) => ({ verb: "added to a group", object: text(data, "member_name") || text(data, "member_sid"), field: "user" }),
  share_access: file("opened the share", "share_name"),
  share_object_access: (data) => ({ verb: "opened over the share", object: text(data, "relative_target_name") || text(data, "share_name"), field: "file" }),
  log_clear: file("cleared the log", "cleared_channel"),
  powershell_engine: (data) => ({ verb: "started PowerShell", object: text(data, "host_application"), field: "script" }),
  powershell_module: (data) => ({ verb: "ran in PowerShell", object: text(data, "command_name") || text(data, "payload"), field: "script" }),
  powershell_pipeline: (data) => ({ verb: "ran in PowerShell", object: text(data, "command_name") || text(data, "payload"), field: "script" }),
  script_block: (data) => ({ verb: "ran the script", object: text(data, "script_path") || text(data, "script_block_text"), field: "script" }),
  mount: file("mounted", "mount_source"), bpf: file("loaded a BPF program", "bpf_program_type"),
  credential_change: (data) => ({ verb: "changed its identity to uid", object: text(data, "new_uid"), field: "user" }),
};

/** How much an event of a type says, where no evidence names it. 0: only evidence brings it in. */
const TELLING: Record<string, number> = {
  log_clear: 9, remote_thread: 9, process_tamper: 9, service_install: 8, wmi_binding: 8, wmi_consumer: 8, task_create: 8, user_create: 8,
  group_member_add: 8, raw_access_read: 8, memfd_create: 7, kernel_module_load: 7, driver_load: 6, process_ptrace: 7, bpf: 5,
  process_create: 5, script_block: 4, registry_value_set: 3, network_connect: 3, file_executable_detected: 5, logon_explicit: 4,
  file_create: 2, file_write: 1, dns_query: 2, file_delete: 2, process_access: 1, share_object_access: 2,
};

/** Opening these is what credential theft begins with. */
const SECRETS = /(?:^|[\\/])(?:lsass\.exe|sam|ntds\.dit|shadow)$/i;

export function tellEvent(event: EventResponse): Pick<StoryLine, "actor" | "verb" | "object" | "field" | "detail"> {
  const data = event.data;
  const image = text(data, "image") || text(data, "comm");
  if (event.event_type === "process_create") {
    const parent = text(data, "parent_image");
    const command = text(data, "command_line");
    return parent
      ? { actor: baseName(parent), verb: "started", object: image, field: "process", detail: command }
      : { actor: baseName(image) || "a process", verb: "started", object: "", field: "process", detail: command };
  }
  const tell = TELL[event.event_type];
  const told = tell ? tell(data) : { verb: event.event_type.replaceAll("_", " "), object: "", field: "event_type" };
  const who = baseName(image) || text(data, "subject_user_name") || text(data, "user") || "the system";
  return { actor: who, verb: told.verb, object: told.object, field: told.field, detail: told.detail ?? "" };
}

const NAMED_BY = [
  "target_filename", "image_loaded", "target_object", "pipe_name", "query_name", "destination_ip", "destination_hostname", "service_name",
  "task_name", "device", "share_name", "relative_target_name", "object_name", "wmi_name", "script_path", "module_name", "new_filename",
  "source_ip", "ip_address", "target_user_name",
];

function isOf(event: EventResponse, item: Evidence): boolean {
  const name = item.name.toLowerCase();
  const guid = item.process_guid as string | undefined;
  if (item.type === "process") {
    if (event.event_type !== "process_create") return false;
    if (guid) return event.data.process_guid === guid;
    return event.data.process_id === item.pid && text(event.data, "image").toLowerCase() === name;
  }
  if (item.type === "script") {
    const body = text(event.data, "script_block_text").toLowerCase();
    if (body && (item.command_line as string | undefined)?.toLowerCase().startsWith(body.slice(0, 60))) return true;
  }
  return NAMED_BY.some((field) => {
    const value = text(event.data, field).toLowerCase();
    return value !== "" && (value === name || value.endsWith(`\\${name}`) || name.startsWith(`${value}:`) || name.endsWith(value) && value.length > 8);
  });
}

/** What the evidence says by itself where its event is not stored (any more). */
function withoutEvent(item: Evidence, at: number): StoryLine {
  const process = item.type === "process";
  return {
    key: `e${item.node}`, at, actor: process ? baseName(item.name) : item.type, verb: process ? "was running" : "was touched:",
    object: process ? "" : item.name, field: process ? "process" : item.type, detail: (item.command_line as string | undefined) ?? "",
    techniques: (item.techniques as string[] | undefined) ?? [], share: item.share, event: null, times: 1,
  };
}

function lineOf(event: EventResponse, share: number, techniques: string[]): StoryLine {
  return { key: event.event_id, at: event.timestamp, ...tellEvent(event), techniques, share, event, times: 1 };
}

/** "reg.exe ×8" leaves room for what else happened; all that they weigh stands with the first. */
function asOne(same: StoryLine[]): StoryLine {
  const [first, ...rest] = same as [StoryLine, ...StoryLine[]];
  return {
    ...first, times: first.times + rest.length, share: same.reduce((sum, one) => sum + one.share, 0),
    techniques: [...new Set(same.flatMap((one) => one.techniques))],
  };
}

/**
 * Each piece of evidence by the event that shows it first, then the most telling other events of the
 * same processes, until the lines are used up; in the order of time, repeats as one line.
 */
export function makeStory(evidence: readonly Evidence[], events: readonly EventResponse[], limit = STORY_LINES): StoryLine[] {
  const ordered = [...events].sort((a, b) => a.timestamp - b.timestamp);
  const used = new Map<string, StoryLine>();
  const lines: StoryLine[] = [];
  for (const item of evidence.slice(0, limit)) {
    const event = ordered.find((one) => isOf(one, item));
    const techniques = (item.techniques as string[] | undefined) ?? [];
    if (!event) {
      const line = withoutEvent(item, (item.first_seen as number | undefined) ?? 0);
      // It was there before the window: the first that it did shows it.
      line.event = ordered.find((one) => item.process_guid && one.data.process_guid === item.process_guid) ?? null;
      lines.push(line);
      continue;
    }
    const known = used.get(event.event_id);
    if (known) {
      known.share += item.share;
      known.techniques = [...new Set([...known.techniques, ...techniques])];
      continue;
    }
    const line = lineOf(event, item.share, techniques);
    used.set(event.event_id, line);
    lines.push(line);
  }
  const said = new Map<string, StoryLine>();
  const sameAs = (line: StoryLine) => `${foldKey(line.actor)}\n${line.verb}\n${line.object.toLowerCase()}`;
  const told = foldRepeats(lines.sort((a, b) => a.at - b.at), sameAs).map((fold) => asOne(fold.items));
  for (const line of told) said.set(sameAs(line), line);

  const guids = new Set(evidence.map((item) => item.process_guid as string | undefined).filter(Boolean));
  const more: Array<{ line: StoryLine; weight: number }> = [];
  for (const event of ordered) {
    if (used.has(event.event_id)) continue;
    const own = guids.has(text(event.data, "process_guid")) || guids.has(text(event.data, "parent_process_guid"));
    const secret = SECRETS.test(text(event.data, "target_image")) || SECRETS.test(text(event.data, "target_filename"));
    const weight = (TELLING[event.event_type] ?? 0) + (secret ? 7 : 0);
    if (!own || weight === 0) continue;
    const line = lineOf(event, 0, []);
    const before = said.get(sameAs(line));
    if (before) {
      before.times++;
      continue;
    }
    said.set(sameAs(line), line);
    more.push({ line, weight });
  }
  more.sort((a, b) => b.weight - a.weight || a.line.at - b.line.at);
  return [...told, ...more.slice(0, Math.max(0, limit - told.length)).map((one) => one.line)].sort((a, b) => a.at - b.at);
}

/** A learned member's log-odds as the probability that it means. */
export function memberProb(logOdds: unknown): number | null {
  return typeof logOdds === "number" && Number.isFinite(logOdds) ? 1 / (1 + Math.exp(-logOdds)) : null;
}
