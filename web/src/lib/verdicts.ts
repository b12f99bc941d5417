// Filters of verdicts: what the platform searches by, and what the page sorts out itself.
import type { InferenceResponse, ListInferencesQuery } from "@/api";
import type { Filter } from "./filters";
import { severityRank } from "./severity";

/** Fields that lists of verdicts can be filtered by. */
export const VERDICT_FIELDS = ["host", "technique", "severity", "platform", "user", "process", "hash"] as const;

export interface VerdictPlan {
  query: ListInferencesQuery;
  /** Applied by the page to the rows that came. */
  local: Filter[];
}

const SEVERITY = ["low", "medium", "high", "critical"] as const;

/** The platform takes one host and one technique, several severities, and nothing to leave out. */
export function planVerdicts(base: ListInferencesQuery, filters: readonly Filter[]): VerdictPlan {
  const query: ListInferencesQuery = { ...base };
  const local: Filter[] = [];
  for (const filter of filters) {
    const severity = SEVERITY.find((one) => one === filter.value);
    if (!filter.out && filter.field === "host" && !query.endpoint) query.endpoint = filter.value;
    else if (!filter.out && filter.field === "technique" && !query.technique) query.technique = filter.value;
    else if (!filter.out && filter.field === "severity" && severity) query.severity = [...(query.severity ?? []), severity];
    else local.push(filter);
  }
  return { query, local };
}

/** The schema leaves what evidence has beyond its share open: only text counts as text. */
function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function valuesOf(row: InferenceResponse, field: string): Array<string | null | undefined> {
  const evidence = row.evidence ?? [];
  switch (field) {
    case "host": return [row.endpoint_id, row.hostname];
    case "tenant": return [row.tenant_id];
    case "severity": return [row.severity];
    case "platform": return [row.platform];
    case "technique": return row.ttp_techniques ?? [];
    case "user": return evidence.map((one) => text(one.user));
    case "hash": return evidence.map((one) => text(one.hash));
    case "image":
    case "process": return evidence.flatMap((one) => [one.name, one.name?.split(/[\\/]/).pop()]);
    default: return [];
  }
}

function matches(row: InferenceResponse, filter: Filter): boolean {
  const wanted = filter.value.toLowerCase();
  return valuesOf(row, filter.field).some((value) => value?.toLowerCase() === wanted) !== filter.out;
}

export function keepVerdicts(rows: readonly InferenceResponse[], local: readonly Filter[]): InferenceResponse[] {
  return rows.filter((row) => local.every((filter) => matches(row, filter)));
}

/** The process that carries most of the verdict, else whatever does. */
export function mainEvidence(row: InferenceResponse): NonNullable<InferenceResponse["evidence"]>[number] | null {
  const evidence = row.evidence ?? [];
  return evidence.find((one) => one.type === "process") ?? evidence[0] ?? null;
}

export interface Bin {
  /** Lower end, included. */
  from: number;
  to: number;
  counts: Record<string, number>;
}

/** Equal parts from 0 to 1; 1.0 itself is in the last. */
export function probabilityBins(rows: readonly InferenceResponse[], parts: number): Bin[] {
  const bins = Array.from({ length: parts }, (_, at): Bin => ({ from: at / parts, to: (at + 1) / parts, counts: {} }));
  for (const row of rows) {
    if (row.attack_prob === null || !Number.isFinite(row.attack_prob)) continue;
    const at = Math.min(parts - 1, Math.max(0, Math.floor(row.attack_prob * parts)));
    const { counts } = bins[at]!;
    counts[row.prediction] = (counts[row.prediction] ?? 0) + 1;
  }
  return bins;
}

/** Powers of two: sizes of graphs lie over many magnitudes. Starts at 1; 0 is in the first. */
export function sizeBins(rows: readonly InferenceResponse[], of: (row: InferenceResponse) => number | undefined): Bin[] {
  const bins: Bin[] = [];
  for (const row of rows) {
    const size = of(row);
    if (size === undefined || !Number.isFinite(size) || size < 0) continue;
    const at = size < 2 ? 0 : Math.floor(Math.log2(size));
    while (bins.length <= at) bins.push({ from: bins.length ? 2 ** bins.length : 0, to: 2 ** (bins.length + 1), counts: {} });
    const { counts } = bins[at]!;
    counts[row.prediction] = (counts[row.prediction] ?? 0) + 1;
  }
  const first = bins.findIndex((bin) => Object.keys(bin.counts).length > 0);
  return first < 0 ? [] : bins.slice(first);
}

/** How many rows of each value, by prediction; severities worst first, others the most first. */
export function groupCounts(rows: readonly InferenceResponse[], of: (row: InferenceResponse) => string): Array<{ value: string; counts: Record<string, number>; total: number }> {
  const groups = new Map<string, { value: string; counts: Record<string, number>; total: number }>();
  for (const row of rows) {
    const value = of(row);
    const group = groups.get(value) ?? { value, counts: {}, total: 0 };
    group.counts[row.prediction] = (group.counts[row.prediction] ?? 0) + 1;
    group.total++;
    groups.set(value, group);
  }
  return [...groups.values()].sort((a, b) => severityRank(b.value) - severityRank(a.value) || b.total - a.total);
}
