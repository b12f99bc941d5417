// The graph that a verdict was given on: what it rests on first, its three minutes to replay.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { getInference, getInferenceGraph, type EvidenceNode, type InferenceResponse, type WindowGraph as Data } from "@/api";
import { useAddress, useParam } from "@/app/scope";
import { useCan } from "@/app/session";
import { formatNumber, plural } from "@/lib/format";
import { mergedLinks, sharesOf, shortName, topNodes } from "@/lib/windowgraph";
import { Button } from "./Button";
import { Graph, type GraphHandle, type GraphItem, type GraphLink } from "./Graph";
import { otherActivity, type OtherActivity } from "./graphOther";
import { GraphLegend } from "./GraphLegend";
import { Menu } from "./Menu";
import { NodeList, NodePane } from "./NodePane";
import { Replay, useReplay } from "./Replay";
import { EmptyState, Loaded, Skeleton } from "./states";
import "./WindowGraph.css";

interface Props {
  inferenceId: string;
  /** In px; without it the graph fills what its parent leaves. */
  height?: number;
}

const FEW = 50;
const MORE = 250;
const MOST_EXPANDED = 8;

export function WindowGraph({ inferenceId, height }: Props) {
  const [search] = useAddress();
  const time = search.get("time") ?? undefined;
  const at = time ? { time } : {};
  const verdict = useQuery({ queryKey: ["inference", inferenceId], queryFn: ({ signal }) => getInference(inferenceId, at, signal), staleTime: 300_000 });
  const graph = useQuery({ queryKey: ["inference", inferenceId, "graph"], queryFn: ({ signal }) => getInferenceGraph(inferenceId, at, signal), staleTime: 300_000 });
  const skeleton = <Skeleton height={height ?? 480} />;
  return (
    <Loaded query={verdict} what="The verdict" skeleton={skeleton}>
      {(inference) => (
        <Loaded query={graph} what="The window's graph" skeleton={skeleton}>
          {(data) =>
            data.nodes.length === 0 ? (
              <EmptyState title="The window's graph has no node">None of its events tells of one thing doing something to another.</EmptyState>
            ) : (
              <View inference={inference} data={data} {...(height ? { height } : {})} />
            )
          }
        </Loaded>
      )}
    </Loaded>
  );
}

function useOthers(data: Data): { expanded: number[]; toggle: (at: number) => void; others: OtherActivity[]; busy: boolean; failed: boolean } {
  const [text, setText] = useParam("expand");
  const expanded = useMemo(
    () => text.split(",").map(Number).filter((at) => Number.isInteger(at) && at >= 0 && at < data.nodes.length && text !== "").slice(0, MOST_EXPANDED),
    [text, data],
  );
  const queries = useQueries({
    queries: expanded.map((at) => ({
      queryKey: ["events", "around", data.tenant_id, data.endpoint_id, data.window_start, at],
      queryFn: ({ signal }: { signal: AbortSignal }) => otherActivity(data, at, signal),
      staleTime: 300_000,
    })),
  });
  const toggle = (at: number) =>
    setText((expanded.includes(at) ? expanded.filter((one) => one !== at) : [...expanded, at]).join(","), true);
  const others = queries.flatMap((query) => query.data ?? []);
  return { expanded, toggle, others, busy: queries.some((query) => query.isPending), failed: queries.some((query) => query.isError) };
}

function useDrawing(data: Data, kept: readonly number[], shares: ReadonlyMap<number, number>, others: readonly OtherActivity[], until: number | null) {
  const links = useMemo(() => mergedLinks(data.edges, new Set(kept)), [data, kept]);
  return useMemo(() => {
    const late = (first: number | null | undefined) => until !== null && first !== null && first !== undefined && first > until;
    const nodes: GraphItem[] = kept.map((at) => {
      const node = data.nodes[at]!;
      return { id: `n${at}`, label: shortName(node), type: node.type, share: shares.get(at), dim: late(node.first_seen) };
    });
    const drawn: GraphLink[] = links.map((link) => ({
      source: `n${link.source}`, target: `n${link.target}`, label: link.label, dim: late(link.first),
    }));
    const known = new Set(nodes.map((node) => node.id));
    for (const other of others) {
      for (const node of other.nodes) {
        if (!known.has(node.id)) nodes.push({ ...node, label: `${node.label} (other)`, dim: until !== null });
        known.add(node.id);
      }
      drawn.push(...other.links.map((link) => ({ ...link, dim: until !== null })));
    }
    return { nodes, links: drawn };
  }, [data, kept, links, shares, others, until]);
}

function View({ inference, data, height }: { inference: InferenceResponse; data: Data; height?: number }) {
  const can = useCan();
  const handle = useRef<GraphHandle>(null);
  const [chosen, setChosen] = useParam("node");
  const [size, setSize] = useParam("nodes");
  const replay = useReplay(data.window_start, data.window_end);
  const evidence = (inference.evidence ?? []) as EvidenceNode[];
  const shares = useMemo(() => sharesOf(inference.evidence), [inference]);
  const limit = size === "all" ? Infinity : size === "more" ? MORE : FEW;
  const chosenAt = /^n\d+$/.test(chosen) && data.nodes[Number(chosen.slice(1))] ? Number(chosen.slice(1)) : -1;
  const kept = useMemo(() => {
    const top = topNodes(data, shares, limit);
    return chosenAt === -1 || top.includes(chosenAt) ? top : [...top, chosenAt].sort((a, b) => a - b);
    // A node that is chosen out of the drawing stays where it is: only one from outside comes in.
  }, [data, shares, limit, chosenAt]);
  const { expanded, toggle, others, busy, failed } = useOthers(data);
  const { nodes, links } = useDrawing(data, kept, shares, others, replay.until);
  const types = [...new Set(nodes.map((node) => node.type))].sort();
  const name = `graph-${data.endpoint_id.replace(/[^\w.-]+/g, "_").slice(0, 64)}-${inference.inference_id.slice(0, 8)}`;
  const total = data.nodes.length;
  const choose = (id: string | null) => setChosen(id, true);

  return (
    <div className="wgraph" style={height ? { height } : undefined}>
      <div className="wgraph-bar">
        <span className="wgraph-note num">
          {kept.length < total ? `${formatNumber(kept.length)} of ${plural(total, "node")}, largest share first` : plural(total, "node")} · {plural(links.length, "edge")}
          {(data.nodes_dropped ?? 0) > 0 && <span className="ptree-cut"> · ▲ {formatNumber(data.nodes_dropped)} nodes were cut</span>}
          {busy && " · asking for other activity…"}
          {failed && <span className="ptree-cut"> · ▲ other activity could not be loaded</span>}
        </span>
        {limit === FEW && total > FEW && total > MORE && <Button kind="quiet" onClick={() => setSize("more", true)}>Show {MORE}</Button>}
        {kept.length < total && <Button kind="quiet" onClick={() => setSize("all", true)}>Show all {formatNumber(total)}</Button>}
        {size !== "" && <Button kind="quiet" onClick={() => setSize(null, true)}>Fewer</Button>}
        <Button kind="quiet" onClick={() => handle.current?.fit()}>Fit</Button>
        <Menu
          button="Export" className="button button-quiet" align="end"
          items={[
            { label: "PNG picture", run: () => handle.current?.png(`${name}.png`) },
            { label: "SVG picture", run: () => handle.current?.svg(`${name}.svg`) },
            { label: "JSON, the whole graph", run: () => handle.current?.json(`${name}.json`, { inference_id: inference.inference_id, evidence, graph: data }) },
          ]}
        />
      </div>
      <div className="wgraph-main">
        <div className="wgraph-canvas">
          <Graph
            ref={handle} nodes={nodes} links={links} chosen={chosen || null} onChoose={choose}
            label={`Graph of the window: ${plural(nodes.length, "node")}, ${plural(links.length, "edge")}. The list beside it has the same nodes.`}
          />
        </div>
        <div className="wgraph-side">
          {chosenAt >= 0 ? (
            <NodePane
              data={data} at={chosenAt} share={shares.get(chosenAt)} evidence={evidence.find((one) => one.node === chosenAt)} onClose={() => choose(null)}
              onChoose={(at) => choose(`n${at}`)} expanded={expanded.includes(chosenAt)}
              onExpand={can("events.read", data.tenant_id) && (expanded.length < MOST_EXPANDED || expanded.includes(chosenAt)) ? () => toggle(chosenAt) : undefined}
            />
          ) : (
            <NodeList data={data} kept={kept} shares={shares} onChoose={(at) => choose(`n${at}`)} />
          )}
        </div>
      </div>
      <Replay replay={replay} from={data.window_start} to={data.window_end} data={data} />
      <GraphLegend types={types} />
    </div>
  );
}
