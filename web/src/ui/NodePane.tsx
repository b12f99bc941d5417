// One node of the window's graph, and the list of them for keyboard and screen readers.
import type { EvidenceNode, GraphEdge, WindowGraph } from "@/api";
import { formatNumber, formatPercent, words } from "@/lib/format";
import { shareStep } from "@/lib/share";
import { fullName, nodeFilter, shortName } from "@/lib/windowgraph";
import { Button } from "./Button";
import { NodeShape } from "./GraphLegend";
import { Facts } from "./Panel";
import { Text } from "./Text";
import { Time } from "./Time";
import { Value } from "./Value";

const MOST_LISTED = 400;
const MOST_EDGES = 60;

export function NodeList({ data, kept, shares, onChoose }: {
  data: WindowGraph; kept: readonly number[]; shares: ReadonlyMap<number, number>; onChoose: (at: number) => void;
}) {
  const order = [...kept].sort((a, b) => (shares.get(b) ?? 0) - (shares.get(a) ?? 0) || a - b);
  return (
    <>
      <h2>Nodes by share</h2>
      <ul className="node-list">
        {order.slice(0, MOST_LISTED).map((at) => {
          const node = data.nodes[at]!;
          const share = shares.get(at);
          return (
            <li key={at}>
              <button type="button" className="node-item" onClick={() => onChoose(at)}>
                <NodeShape type={node.type} step={shareStep(share)} />
                <span className="sr-only">{node.type} </span>
                <Text value={shortName(node)} max={48} />
                <span className="num">{share === undefined ? "" : formatPercent(share, share < 0.1 ? 1 : 0)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {order.length > MOST_LISTED && <p className="faint">… and {formatNumber(order.length - MOST_LISTED)} more in the drawing</p>}
    </>
  );
}

function Edges({ data, at, onChoose }: { data: WindowGraph; at: number; onChoose: (at: number) => void }) {
  const own = data.edges.filter((edge) => edge.source === at || edge.target === at).sort((a, b) => (a.first_seen ?? 0) - (b.first_seen ?? 0));
  const other = (edge: GraphEdge) => (edge.source === at ? edge.target : edge.source);
  return (
    <section>
      <h3>Edges <span className="faint num">{formatNumber(own.length)}</span></h3>
      <ul className="node-list">
        {own.slice(0, MOST_EDGES).map((edge, row) => (
          <li key={row}>
            <button type="button" className="node-item node-edge" onClick={() => onChoose(other(edge))}>
              <Time at={edge.first_seen} style="clock" />
              <span className="node-edge-what">
                {edge.source === at ? "→" : "←"} {words(edge.type).toLowerCase()}
                {edge.count > 1 && <span className="num"> ×{formatNumber(edge.count)}</span>}
              </span>
              <Text value={data.nodes[other(edge)] ? shortName(data.nodes[other(edge)]!) : ""} max={40} />
            </button>
          </li>
        ))}
      </ul>
      {own.length > MOST_EDGES && <p className="faint">… and {formatNumber(own.length - MOST_EDGES)} more</p>}
    </section>
  );
}

export function NodePane({ data, at, share, evidence, onClose, onChoose, expanded, onExpand }: {
  data: WindowGraph; at: number; share: number | undefined; evidence: EvidenceNode | undefined; onClose: () => void; onChoose: (at: number) => void;
  expanded: boolean; onExpand: (() => void) | undefined;
}) {
  const node = data.nodes[at]!;
  const command = node.raw_command_line ?? node.command_line;
  return (
    <section aria-label="The chosen node" className="stack">
      <header className="ptree-pane-head">
        <h2 className="row"><NodeShape type={node.type} step={shareStep(share)} /> <Text value={shortName(node)} max={40} /></h2>
        <Button kind="quiet" onClick={onClose}>All nodes</Button>
      </header>
      <Facts
        items={[
          ["Type", node.type],
          ["Share", share === undefined ? <span className="faint">not among the evidence</span> : <span className="num">{formatPercent(share, 1)} of the verdict</span>],
          ["Name", <Value {...nodeFilter(node.type, fullName(node))} max={80} middle mono />],
          command ? ["Command line", <Text value={command} max={4000} mono wrap />] : null,
          node.user ? ["User", <Value field="user" value={node.user} />] : null,
          node.pid ? ["Process id", <span className="num">{node.pid}</span>] : null,
          node.hash ? ["Hash", <Value field="hash" value={node.hash} max={28} middle mono />] : null,
          node.integrity && node.integrity !== "unknown" ? ["Integrity", node.integrity] : null,
          node.guid ? ["Identity", <Value field="process_guid" value={node.guid} max={28} middle mono />] : null,
          ["Seen", <><Time at={node.first_seen} style="clock" /> to <Time at={node.last_seen} style="clock" /></>],
          (node.instances ?? 1) > 1 ? ["Stands for", `${formatNumber(node.instances)} alike`] : null,
          node.flags?.includes("stub") ? ["Start", "not seen in this window"] : null,
          evidence?.techniques?.length ? ["Techniques", <span className="row">{evidence.techniques.map((one) => <Value key={one} field="technique" value={one} mono />)}</span>] : null,
        ]}
      />
      {onExpand && (
        <div>
          <Button onClick={onExpand} aria-pressed={expanded}>{expanded ? "Hide the host's other activity" : "Expand with the host's other activity"}</Button>
          <p className="faint">From an hour before to an hour after the window.</p>
        </div>
      )}
      <Edges data={data} at={at} onChoose={onChoose} />
    </section>
  );
}
