// What the host did around the window with one node of its graph: other processes, drawn beside it.
import { getEndpointTree, listEvents, type WindowGraph } from "@/api";
import { baseName } from "@/lib/process";
import { fullName } from "@/lib/windowgraph";
import type { GraphItem, GraphLink } from "./Graph";

export interface OtherActivity {
  nodes: GraphItem[];
  links: GraphLink[];
}

const AROUND = 3600;
const MOST = 40;

function byGuid(data: WindowGraph): Map<string, string> {
  return new Map(data.nodes.flatMap((node, at) => (node.guid ? [[node.guid, `n${at}`] as const] : [])));
}

/** Parents, children and siblings of a process within an hour. */
async function aroundProcess(data: WindowGraph, at: number, signal: AbortSignal): Promise<OtherActivity> {
  const guid = data.nodes[at]!.guid!;
  const tree = await getEndpointTree(
    data.endpoint_id,
    {
      tenant_id: data.tenant_id, process_guid: guid, max_nodes: 200,
      from: String(Math.max(1, data.window_start - AROUND)), to: String(data.window_end + AROUND),
    },
    signal,
  );
  const known = byGuid(data);
  const ids = tree.processes.map((one, position) => (one.process_guid && known.get(one.process_guid)) || `o ${one.process_guid ?? `${one.pid} ${position}`}`);
  const own = `n${at}`;
  const made: OtherActivity = { nodes: [], links: [] };
  tree.processes.forEach((one, position) => {
    if (made.nodes.length >= MOST) return;
    const id = one.process_guid === guid ? own : ids[position]!;
    if (id.startsWith("o ")) made.nodes.push({ id, label: baseName(one.image) || "unknown program", type: "process" });
    const parent = one.parent === null ? undefined : ids[one.parent];
    if (parent && parent !== id && (id.startsWith("o ") || parent.startsWith("o "))) made.links.push({ source: parent, target: id, label: "started" });
  });
  return made;
}

/** Processes whose events name a file, an address, a key within an hour. */
async function aroundThing(data: WindowGraph, at: number, signal: AbortSignal): Promise<OtherActivity> {
  const node = data.nodes[at]!;
  const name = fullName(node);
  const bare = node.type === "network" ? name.replace(/:\d+$/, "").replace(/^\[|\]$/g, "") : name;
  const page = await listEvents(
    {
      tenant_id: data.tenant_id, endpoint: data.endpoint_id, q: bare.slice(0, 200), limit: 500, order: "asc",
      from: String(Math.max(1, data.window_start - AROUND)), to: String(data.window_end + AROUND),
    },
    signal,
  );
  const known = byGuid(data);
  const made: OtherActivity = { nodes: [], links: [] };
  const seen = new Map<string, GraphLink>();
  for (const event of page.events) {
    const guid = typeof event.data.process_guid === "string" ? event.data.process_guid : "";
    const image = typeof event.data.image === "string" ? event.data.image : "";
    if (known.has(guid) || (!guid && !image)) continue;
    const id = `o ${guid || image}`;
    if (seen.has(id)) continue;
    if (made.nodes.length >= MOST) break;
    made.nodes.push({ id, label: baseName(image) || "unknown program", type: "process" });
    const link = { source: id, target: `n${at}`, label: event.event_type.replaceAll("_", " ") };
    seen.set(id, link);
    made.links.push(link);
  }
  return made;
}

export function otherActivity(data: WindowGraph, at: number, signal: AbortSignal): Promise<OtherActivity> {
  const node = data.nodes[at]!;
  return node.type === "process" && node.guid ? aroundProcess(data, at, signal) : aroundThing(data, at, signal);
}
