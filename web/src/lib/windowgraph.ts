// What of a window's graph is drawn: the nodes that the verdict rests on first, edges of a pair as one.
import type { GraphEdge, GraphNode, WindowGraph } from "@/api/graph";
import { baseName } from "./process";

export interface Link {
  source: number;
  target: number;
  /** Types with their counts, most first: what is shown on hover. */
  label: string;
  count: number;
  first: number | null;
}

/** Shares by position in the graph's nodes. */
export function sharesOf(evidence: ReadonlyArray<{ node?: number; share: number }> | undefined): Map<number, number> {
  return new Map((evidence ?? []).flatMap((one) => (one.node === undefined ? [] : [[one.node, one.share] as const])));
}

function neighbours(graph: WindowGraph): Map<number, Map<number, number>> {
  const of = new Map<number, Map<number, number>>();
  const add = (a: number, b: number, count: number) => {
    const known = of.get(a) ?? new Map<number, number>();
    known.set(b, (known.get(b) ?? 0) + count);
    of.set(a, known);
  };
  for (const edge of graph.edges) {
    if (!graph.nodes[edge.source] || !graph.nodes[edge.target] || edge.source === edge.target) continue;
    add(edge.source, edge.target, edge.count);
    add(edge.target, edge.source, edge.count);
  }
  return of;
}

/**
 * At most `limit` nodes: those with a share, largest first, then what hangs on them step by step
 * (processes before things; of things the rare ones, since what all load tells nothing), then the rest
 * by degree. The same graph gives the same nodes.
 */
export function topNodes(graph: WindowGraph, shares: ReadonlyMap<number, number>, limit: number): number[] {
  if (graph.nodes.length <= limit) return graph.nodes.map((_, at) => at);
  const near = neighbours(graph);
  const degree = (at: number) => near.get(at)?.size ?? 0;
  const kept = new Set<number>();
  let ring = [...shares.entries()]
    .filter(([at]) => graph.nodes[at])
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .map(([at]) => at);
  const rank = (list: number[], ties: ReadonlyMap<number, number>) =>
    list.sort((a, b) =>
      Number(graph.nodes[b]!.type === "process") - Number(graph.nodes[a]!.type === "process") ||
      (graph.nodes[a]!.type === "process" ? (ties.get(b) ?? 0) - (ties.get(a) ?? 0) : degree(a) - degree(b)) || a - b,
    );
  while (kept.size < limit) {
    if (!ring.length) {
      const rest = graph.nodes.map((_, at) => at).filter((at) => !kept.has(at));
      ring = rank(rest, new Map()).sort((a, b) => degree(b) - degree(a) || a - b);
    }
    for (const at of ring) {
      if (kept.size >= limit) break;
      kept.add(at);
    }
    const ties = new Map<number, number>();
    for (const at of ring) {
      for (const other of near.get(at)?.keys() ?? []) if (!kept.has(other)) ties.set(other, (ties.get(other) ?? 0) + 1);
    }
    ring = rank([...ties.keys()], ties);
  }
  return [...kept].sort((a, b) => a - b);
}

function labelOf(types: ReadonlyMap<string, number>): string {
  const parts = [...types.entries()].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const shown = parts.slice(0, 3).map(([type, count]) => type.replaceAll("_", " ") + (count > 1 ? ` ×${count}` : ""));
  return shown.join(", ") + (parts.length > 3 ? `, ${parts.length - 3} more` : "");
}

/** Edges between kept nodes, those of one pair and direction as one. */
export function mergedLinks(edges: readonly GraphEdge[], kept: ReadonlySet<number>): Link[] {
  const pairs = new Map<string, { source: number; target: number; types: Map<string, number>; first: number | null }>();
  for (const edge of edges) {
    if (!kept.has(edge.source) || !kept.has(edge.target)) continue;
    const key = `${edge.source} ${edge.target}`;
    const pair = pairs.get(key) ?? { source: edge.source, target: edge.target, types: new Map<string, number>(), first: null };
    pair.types.set(edge.type, (pair.types.get(edge.type) ?? 0) + edge.count);
    if (edge.first_seen !== undefined) pair.first = pair.first === null ? edge.first_seen : Math.min(pair.first, edge.first_seen);
    pairs.set(key, pair);
  }
  return [...pairs.values()].map((pair) => ({
    source: pair.source, target: pair.target, first: pair.first,
    label: labelOf(pair.types), count: [...pair.types.values()].reduce((sum, one) => sum + one, 0),
  }));
}

/** The name as people know it; the graph's own has placeholders. */
export function fullName(node: GraphNode): string {
  return node.raw || node.name;
}

export function shortName(node: GraphNode): string {
  const name = fullName(node);
  if (node.type === "registry") return name.split(/[\\/]/).filter(Boolean).slice(-2).join("\\") || name;
  if (node.type === "network" || node.type === "dns" || node.type === "account") return name;
  return baseName(name) || name;
}

const FIELDS: Record<string, string> = {
  process: "image", account: "user", file: "target_filename", registry: "target_object", module: "image_loaded", pipe: "pipe_name", dns: "query_name",
  script: "script_block_text", service: "service_name", share: "share_name", device: "device",
};

/** The filter of Hunt that finds a node's events: field and value. */
export function nodeFilter(type: string, name: string): { field: string; value: string } {
  if (type === "network") return { field: "ip", value: name.replace(/^\[([^\]]*)\].*$/, "$1").replace(/^([^:]+):\d+$/, "$1") };
  return { field: FIELDS[type] ?? "target_object", value: name };
}
