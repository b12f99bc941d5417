// How verdicts spread: by probability, severity, platform, and the size of what was judged.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { listInferences, listModels, type InferenceResponse } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { useCan } from "@/app/session";
import { useLastData } from "@/app/StatusStrip";
import { formatNumber, formatTotal, words } from "@/lib/format";
import { groupCounts, probabilityBins, sizeBins } from "@/lib/verdicts";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Severity } from "@/ui/Severity";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { useCursor } from "@/ui/useCursor";
import { ProbabilityHistogram, SizeHistogram } from "./charts";
import { Groups } from "./Groups";
import "../attacks/attacks.css";
import "./distribution.css";

const PAGE = 500;
/** Pages fetched without a click; each more only on demand. */
const BY_ITSELF = 4;
const BINS = 20;
const KINDS = ["attack", "benign", "error"] as const;

function Charts({ rows, kind }: { rows: readonly InferenceResponse[]; kind: string }) {
  const can = useCan();
  const models = useQuery({ queryKey: ["models"], queryFn: ({ signal }) => listModels(signal), enabled: can("models.read"), staleTime: 60_000 });
  const found = useMemo(() => ({
    probability: probabilityBins(rows, BINS),
    nodes: sizeBins(rows, (one) => one.graph_nodes),
    edges: sizeBins(rows, (one) => one.graph_edges),
    events: sizeBins(rows, (one) => one.events),
    severities: groupCounts(rows.filter((one) => one.prediction === "attack"), (one) => one.severity ?? "none"),
    platforms: groupCounts(rows, (one) => one.platform ?? "unknown"),
    kinds: groupCounts(rows, (one) => one.prediction),
    errors: groupCounts(rows.filter((one) => one.prediction === "error"), (one) => one.error ?? "unknown"),
  }), [rows]);
  const prediction = kind === "any" ? "any" : kind === "attack" ? null : kind;
  return (
    <>
      <ProbabilityHistogram bins={found.probability} models={models.data?.models ?? []} />
      <div className="distribution-groups">
        <Groups title="Verdicts" groups={found.kinds} name={(one) => one.value} empty="No verdict."
          params={(one) => ({ prediction: one.value === "attack" ? null : one.value })} />
        <Groups title="Attacks by severity" groups={found.severities} name={(one) => <Severity value={one.value} />} empty="No attack."
          params={(one) => ({ severity: one.value })} />
        <Groups title="Platforms" groups={found.platforms} name={(one) => <Text value={one.value} max={24} />} empty="No verdict."
          params={(one) => ({ f: [`platform:${one.value}`], prediction })} />
        <Groups title="Windows without a verdict" groups={found.errors} name={(one) => <Text value={words(one.value)} max={40} />} empty="Every window was judged."
          params={() => ({ prediction: "error" })} />
      </div>
      <div className="distribution-sizes">
        <SizeHistogram title="Nodes of a graph" unit="nodes" bins={found.nodes} />
        <SizeHistogram title="Edges of a graph" unit="edges" bins={found.edges} />
        <SizeHistogram title="Events of a window" unit="events" bins={found.events} />
      </div>
    </>
  );
}

export default function Distribution() {
  const { listQuery } = useScope();
  const last = useLastData();
  const [kind, setKind] = useParam("prediction", "any");
  const prediction = KINDS.filter((one) => one === kind);
  const query = { ...listQuery, ...(prediction.length ? { prediction } : {}), sort: "time" as const, order: "desc" as const, limit: PAGE };
  const list = useCursor(
    ["inferences", "distribution", query],
    (cursor, signal) => listInferences({ ...query, ...(cursor ? { cursor } : {}) }, signal),
    (page) => page.inferences,
  );
  const [allowed, setAllowed] = useState(BY_ITSELF);
  const { hasMore, loadingMore, onMore, pages } = list;
  useEffect(() => {
    if (hasMore && !loadingMore && pages > 0 && pages < allowed) onMore();
  }, [hasMore, loadingMore, onMore, pages, allowed]);
  const part = hasMore ? `the newest ${formatNumber(list.rows.length)} of ${formatTotal(list.total ?? 0, list.lowerBound)} verdicts` : `all ${formatNumber(list.rows.length)} verdicts`;
  return (
    <Page title="Distribution" note={list.loading ? undefined : `${part}${list.stale || (hasMore && pages < allowed) ? ", loading…" : ""}`}
      actions={
        <>
          {hasMore && pages >= allowed && <Button onClick={() => setAllowed(pages + BY_ITSELF)} disabled={loadingMore}>Count more</Button>}
          <Select label="Show" hideLabel value={prediction.length ? kind : "any"} onChange={(event) => setKind(event.target.value)}
            options={[{ value: "any", label: "All verdicts" }, { value: "attack", label: "Attacks" }, { value: "benign", label: "Benign" }, { value: "error", label: "Errors" }]} />
        </>
      }>
      {list.error && !list.rows.length ? <ErrorState error={list.error} what="The verdicts" onRetry={list.retry} />
        : list.loading ? <><Skeleton height={310} /><Skeleton height={180} /></>
        : list.rows.length === 0 ? (
          <EmptyState title="No verdicts in this range" lastData={last}>Each host's events are judged in windows of a few minutes; none of this kind ended in the range shown.</EmptyState>
        ) : <Charts rows={list.rows} kind={prediction.length ? kind : "any"} />}
    </Page>
  );
}
