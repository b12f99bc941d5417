// One process of the tree: what it is, and the files, addresses and registry keys that it touched.
import { useQuery } from "@tanstack/react-query";
import { listEvents, type ProcessTree as Tree } from "@/api";
import { useCan } from "@/app/session";
import { formatNumber, plural } from "@/lib/format";
import { leaves, type Leaf } from "@/lib/leaves";
import { baseName } from "@/lib/process";
import { Button } from "./Button";
import { Link } from "./Link";
import { Facts } from "./Panel";
import type { TreeProcessRow } from "./ProcessTree";
import { Loaded, Skeleton } from "./states";
import { Text } from "./Text";
import { Time } from "./Time";
import { Value } from "./Value";

const MOST_EVENTS = 500;
const MOST_LEAVES = 100;

/** The menu filters for the address alone; its port stands beside it. */
function LeafName({ leaf }: { leaf: Leaf }) {
  return (
    <>
      <Value field={leaf.field} value={leaf.value} max={64} middle mono />
      {leaf.port && <span className="faint mono">:{leaf.port}</span>}
    </>
  );
}

function LeafList({ list, kind }: { list: Leaf[]; kind: Leaf["kind"] }) {
  const own = list.filter((leaf) => leaf.kind === kind);
  if (!own.length) return null;
  const title = { file: "Files", network: "Network", registry: "Registry" }[kind];
  return (
    <section>
      <h3>{title} <span className="faint num">{formatNumber(own.length)}</span></h3>
      <ul className="leaves">
        {own.slice(0, MOST_LEAVES).map((leaf) => (
          <li key={`${leaf.action} ${leaf.name}`} className="leaf">
            <Time at={leaf.first} style="clock" />
            <span className="leaf-name"><LeafName leaf={leaf} /></span>
            <span className="leaf-action">
              {leaf.action}
              {leaf.count > 1 && <span className="num"> ×{formatNumber(leaf.count)}</span>}
            </span>
          </li>
        ))}
      </ul>
      {own.length > MOST_LEAVES && <p className="faint">… and {formatNumber(own.length - MOST_LEAVES)} more</p>}
    </section>
  );
}

function Leaves({ tree, process }: { tree: Tree; process: TreeProcessRow }) {
  const query = {
    tenant_id: tree.tenant_id, endpoint: tree.endpoint_id, process_guid: process.process_guid ?? "", order: "asc" as const, limit: MOST_EVENTS,
    ...(tree.from === null ? {} : { from: String(tree.from) }), ...(tree.to === null ? {} : { to: String(tree.to) }),
  };
  const events = useQuery({
    queryKey: ["events", "leaves", query], queryFn: ({ signal }) => listEvents(query, signal), enabled: Boolean(process.process_guid), staleTime: 60_000,
  });
  if (!process.process_guid) return <p className="faint">Its source gives processes no identity, so what it touched is not listed here.</p>;
  return (
    <Loaded query={events} what="What it touched" skeleton={<Skeleton lines={5} />}>
      {(data) => {
        const list = leaves(data.events);
        return (
          <>
            {list.length === 0 && <p className="faint">It touched no file, address or registry key that was recorded.</p>}
            {(["network", "file", "registry"] as const).map((kind) => <LeafList key={kind} list={list} kind={kind} />)}
            {data.next_cursor && <p className="faint">Out of its first {plural(data.events.length, "event")}.</p>}
          </>
        );
      }}
    </Loaded>
  );
}

export function ProcessPane({ tree, process, onClose }: { tree: Tree; process: TreeProcessRow; onClose: () => void }) {
  const can = useCan();
  return (
    <aside className="ptree-pane" aria-label="The chosen process">
      <header className="ptree-pane-head">
        <h2><Text value={baseName(process.image) || "unknown program"} max={48} /></h2>
        <Button kind="quiet" aria-label="Close" onClick={onClose}>×</Button>
      </header>
      {process.inferred && <p className="ptree-why">Inferred: its start is not recorded, other events name it.</p>}
      <Facts
        items={[
          ["Program", <Value field="image" value={process.image} max={64} middle mono />],
          process.command_line ? ["Command line", <Text value={process.command_line} max={4000} mono wrap />] : null,
          ["User", <Value field="user" value={process.user} />],
          process.hash ? ["Hash", <Value field="hash" value={process.hash} max={28} middle mono />] : null,
          ["Process id", <span className="num">{process.pid}</span>],
          ["Started", <Time at={process.started} />],
          process.ended ? ["Ended", <Time at={process.ended} />] : null,
          process.process_guid ? ["Identity", <Value field="process_guid" value={process.process_guid} max={28} middle mono />] : null,
        ]}
      />
      {can("events.read", tree.tenant_id) && (
        <>
          <Leaves tree={tree} process={process} />
          {process.process_guid && (
            <p><Link to="/hunt" params={{ f: [`process_guid:${process.process_guid}`], host: tree.endpoint_id,
              from: tree.from === null ? null : String(tree.from), to: tree.to === null ? null : String(tree.to) }}>All its events in Hunt</Link></p>
          )}
        </>
      )}
    </aside>
  );
}
