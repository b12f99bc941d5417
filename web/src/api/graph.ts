// The window's typed graph, as docs/internals/graph.md describes it. Members that a node's type does
// not have are absent.

export interface GraphNode {
  type: string;
  name: string;
  raw?: string;
  command_line?: string;
  raw_command_line?: string;
  integrity?: string;
  user_class?: string;
  pid?: number;
  guid?: string;
  user?: string;
  hash?: string;
  flags?: string[];
  instances?: number;
  first_seen?: number;
  last_seen?: number;
  sources?: string[];
  [member: string]: unknown;
}

export interface GraphEdge {
  /** Positions in `nodes`. */
  source: number;
  target: number;
  type: string;
  attributes?: string[];
  count: number;
  first_seen?: number;
  last_seen?: number;
  [member: string]: unknown;
}

export interface WindowGraph {
  tenant_id: string;
  endpoint_id: string;
  hostname?: string;
  platform?: string;
  window_start: number;
  window_end: number;
  events: number;
  event_types?: Record<string, number>;
  sources?: string[];
  late_events?: number;
  nodes_dropped?: number;
  edges_dropped?: number;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** A node of a verdict's evidence (`Evidence` in schema.ts) with the members that are usually there. */
export interface EvidenceNode {
  node?: number;
  type: string;
  name: string;
  share: number;
  command_line?: string | null;
  pid?: number;
  process_guid?: string | null;
  user?: string | null;
  first_seen?: number | null;
  parent?: number | null;
  techniques?: string[];
}
