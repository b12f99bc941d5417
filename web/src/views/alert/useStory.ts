import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { listEvents, type AlertResponse, type EventResponse, type Evidence, type InferenceResponse, type ListEventsQuery } from "@/api";
import { baseName } from "@/lib/process";
import { searchPart } from "@/lib/safetext";
import { makeStory, STORY_LINES, type StoryLine } from "@/lib/story";

const OF_PROCESS = 200;
const OF_NAME = 10;

/** The verdict that the alert's evidence is of: the strongest. */
export function strongest(verdicts: readonly InferenceResponse[]): InferenceResponse | null {
  return verdicts.reduce<InferenceResponse | null>((best, one) => (best && (best.attack_prob ?? 0) >= (one.attack_prob ?? 0) ? best : one), null);
}

/** One small search per piece of evidence: what a process did, or the first that names a thing. */
function searchesOf(alert: AlertResponse, evidence: readonly Evidence[], from: number, to: number): ListEventsQuery[] {
  const common = { tenant_id: alert.tenant_id, endpoint: alert.endpoint_id, from: String(from), to: String(to), order: "asc" as const };
  const seen = new Set<string>();
  const found: ListEventsQuery[] = [];
  for (const item of evidence.slice(0, STORY_LINES)) {
    const guid = item.process_guid as string | undefined;
    const query: ListEventsQuery = guid
      ? { ...common, process_guid: guid, limit: OF_PROCESS }
      : item.type === "process" && searchPart(item.name) === item.name ? { ...common, image: item.name, limit: OF_NAME }
        : { ...common, q: searchPart(baseName(item.name)).slice(0, 200), limit: OF_NAME };
    const key = JSON.stringify(query);
    if (!seen.has(key) && query.q !== "") found.push(query);
    seen.add(key);
  }
  return found;
}

export function useStory(alert: AlertResponse, evidence: readonly Evidence[], verdict: InferenceResponse | null, enabled: boolean): {
  lines: StoryLine[]; loading: boolean; failed: unknown;
} {
  // Without a stored verdict the alert's own times say where to look.
  const from = verdict?.window_start ?? (alert.first_seen ?? 0) - 60;
  const to = verdict?.window_end ?? (alert.last_seen ?? 0) + 60;
  const searches = useMemo(() => searchesOf(alert, evidence, from, to), [alert.alert_id, evidence, from, to]);
  const results = useQueries({
    queries: searches.map((query) => ({
      queryKey: ["events", "story", query], enabled, staleTime: 300_000,
      queryFn: ({ signal }: { signal: AbortSignal }) => listEvents(query, signal),
    })),
  });
  const done = results.filter((one) => one.data).length;
  const loading = enabled && results.some((one) => one.isPending);
  const lines = useMemo(() => {
    const events = new Map<string, EventResponse>();
    for (const one of results) for (const event of one.data?.events ?? []) events.set(event.event_id, event);
    return makeStory(evidence, [...events.values()]);
    // `results` is new on every render; what is in it grows with `done`.
  }, [evidence, done, searches]);
  return { lines, loading, failed: results.find((one) => one.error)?.error ?? null };
}
