// Processes from the root parent down: the attack path strong, the rest quiet, repeats folded.
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { getAlertTree, getEndpointTree, type ProcessTree as Tree } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { plural } from "@/lib/format";
import { allOpen, firstOpen, openTo, processKey, treeModel, treeMove, treeRows, type TreeModel, type TreeRow } from "@/lib/proctree";
import { Button } from "./Button";
import { ProcessPane } from "./ProcessPane";
import { ProcessRow } from "./ProcessRow";
import { EmptyState, Loaded, Skeleton } from "./states";
import "./ProcessTree.css";

export type TreeProcessRow = Tree["processes"][number];

interface Props {
  /** The tree around an alert, … */
  alertId?: string;
  /** … or the processes of a host in a range. */
  endpointId?: string;
  tenantId?: string;
  /** Seconds, or texts as in the address. Without them: around the alert, or the host's last hour. */
  from?: string | number | null | undefined;
  to?: string | number | null | undefined;
  /** Height of the rows in px; without it by the window. */
  height?: number;
}

const ROW = 26;
/** A short tree is not drawn in a tall box. */
const LEAST_ROWS = 6;
const FIRST_NODES = 2000;
const MOST_NODES = 10_000;

export function ProcessTree({ alertId, endpointId, tenantId, from, to, height }: Props) {
  const [nodes, setNodes] = useParam("processes");
  const max = nodes === "all" ? MOST_NODES : FIRST_NODES;
  const range = {
    ...(from === null || from === undefined ? {} : { from: String(from) }),
    ...(to === null || to === undefined ? {} : { to: String(to) }),
  };
  const query = useQuery({
    queryKey: ["tree", alertId ?? null, endpointId ?? null, tenantId ?? null, range, max],
    queryFn: ({ signal }) =>
      alertId
        ? getAlertTree(alertId, { ...range, max_nodes: max }, signal)
        : getEndpointTree(endpointId ?? "", { ...range, max_nodes: max, ...(tenantId ? { tenant_id: tenantId } : {}) }, signal),
    enabled: Boolean(alertId ?? endpointId),
    staleTime: 60_000,
  });
  return (
    <Loaded query={query} what="The process tree" skeleton={<Skeleton lines={12} />}>
      {(tree) =>
        tree.processes.length === 0 ? (
          <EmptyState title="No process in this range">
            Processes come from events of their creation, or are named by others; this host sent neither then.
          </EmptyState>
        ) : (
          <TreeView tree={tree} {...(height ? { height } : {})} onAll={tree.truncated && max < MOST_NODES ? () => setNodes("all") : undefined} />
        )
      }
    </Loaded>
  );
}

function Note({ model, tree, onAll }: { model: TreeModel; tree: Tree; onAll: (() => void) | undefined }) {
  const inferred = tree.processes.filter((one) => one.inferred).length;
  return (
    <span className="ptree-note">
      {plural(tree.processes.length, "process", "processes")}
      {model.focus > 0 && <> · <b>{model.focus} in the verdict</b></>}
      {inferred > 0 && <> · {inferred} inferred</>}
      {tree.truncated && <> · <span className="ptree-cut">▲ there are more</span></>}
      {onAll && <Button kind="quiet" onClick={onAll}>Show up to 10 000</Button>}
    </span>
  );
}

/** First row to stand on: the first process in focus that is seen. */
function firstFocus(model: TreeModel): number {
  return Math.max(0, model.processes.findIndex((one) => one.focus));
}

function useTree(tree: Tree) {
  const model = useMemo(() => treeModel(tree.processes), [tree]);
  const [open, setOpen] = useState<ReadonlySet<number>>(() => firstOpen(model));
  const [chosenKey, setChosenKey] = useParam("process");
  const [only, setOnly] = useParam("path");
  const pathOnly = only === "only" && model.focus > 0;
  const chosen = useMemo(
    () => (chosenKey ? tree.processes.findIndex((one) => processKey(one) === chosenKey) : -1),
    [tree, chosenKey],
  );
  // Other processes (all of them, another range): opened anew, and so that the chosen one is seen.
  useEffect(() => {
    const first = firstOpen(model);
    setOpen(chosen >= 0 ? openTo(model, first, chosen) : first);
    // Only for new data: choosing a row must not fold others.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [model]);
  const rows = useMemo(() => treeRows(model, open, pathOnly), [model, open, pathOnly]);
  const toggle = useCallback((id: number, to?: boolean) => {
    setOpen((old) => {
      const next = new Set(old);
      if (to ?? !next.has(id)) next.add(id);
      else next.delete(id);
      return next;
    });
  }, []);
  return { model, open, setOpen, rows, toggle, chosen, setChosenKey, pathOnly, setOnly };
}

function TreeView({ tree, height, onAll }: { tree: Tree; height?: number; onAll: (() => void) | undefined }) {
  const state = useTree(tree);
  const { model, rows, chosen } = state;
  const choose = (at: number) => state.setChosenKey(processKey(tree.processes[at]!), true);
  return (
    <div className="ptree">
      <div className="ptree-bar">
        <Note model={model} tree={tree} onAll={onAll} />
        <span className="ptree-legend" aria-hidden="true">
          {model.focus > 0 && <><i className="ptree-key ptree-key-path" /> attack path</>}
          <i className="ptree-key ptree-key-inferred" /> inferred
        </span>
        {model.focus > 0 && (
          <Button kind="quiet" aria-pressed={state.pathOnly} onClick={() => state.setOnly(state.pathOnly ? null : "only", true)}>
            {state.pathOnly ? "Whole tree" : "Attack path only"}
          </Button>
        )}
        <Button kind="quiet" onClick={() => state.setOpen(allOpen(model))}>Open all</Button>
        <Button kind="quiet" onClick={() => state.setOpen(firstOpen(model))}>Reset</Button>
      </div>
      <div className={`ptree-main ${chosen >= 0 ? "ptree-split" : ""}`}>
        <Rows tree={tree} model={model} rows={rows} chosen={chosen} onChoose={choose} onToggle={state.toggle} {...(height ? { height } : {})} />
        {chosen >= 0 && <ProcessPane tree={tree} process={tree.processes[chosen]!} onClose={() => state.setChosenKey(null, true)} />}
      </div>
    </div>
  );
}

interface RowsProps {
  tree: Tree;
  model: TreeModel;
  rows: readonly TreeRow[];
  chosen: number;
  onChoose: (at: number) => void;
  onToggle: (id: number, to?: boolean) => void;
  height?: number;
}

function Rows({ tree, model, rows, chosen, onChoose, onToggle, height }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const { zone } = useScope();
  const [activeId, setActiveId] = useState(() => (chosen >= 0 ? chosen : firstFocus(model)));
  const found = rows.findIndex((row) => row.id === activeId);
  const active = found === -1 ? 0 : found;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 10 });
  const items = virtual.getVirtualItems();

  // The process that it is about is in sight from the beginning.
  useEffect(() => {
    if (active > 0) virtual.scrollToIndex(active, { align: "center" });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [model]);

  const go = (to: number) => {
    const row = rows[to];
    if (!row) return;
    setActiveId(row.id);
    virtual.scrollToIndex(to);
  };
  const enter = (row: TreeRow) => (row.kind === "fold" ? onToggle(row.id) : onChoose(row.at));
  const onKey = (event: KeyboardEvent) => {
    if (event.target !== scroller.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 320) / ROW) - 2);
    const row = rows[active];
    if ((event.key === "Enter" || event.key === " ") && row) {
      enter(row);
    } else if (event.key === "*" && row) {
      rows.forEach((one) => one.up === row.up && one.children && onToggle(one.id, true));
    } else {
      const move = treeMove(rows, active, event.key, page);
      if (!move) return;
      if ("active" in move) go(move.active);
      else if ("open" in move) onToggle(move.open, true);
      else onToggle(move.close, false);
    }
    event.preventDefault();
  };

  return (
    <div className="ptree-box">
      <div className="ptree-head" aria-hidden="true">
        <span>Process</span>
        <span>Command line</span>
        <span>User</span>
        <span>Started</span>
        <span className="ptree-touched">Files · net · registry</span>
      </div>
      <div
        ref={scroller} className="ptree-rows" role="tree" aria-label="Processes" tabIndex={0} onKeyDown={onKey}
        aria-activedescendant={items.some((item) => item.index === active) ? `${id}-${rows[active]!.id}` : undefined}
        style={{ ...(height ? { height } : {}), maxHeight: Math.max(LEAST_ROWS, rows.length) * ROW + 4 }}
      >
        <div role="none" className="ptree-space" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]!;
            return (
              <ProcessRow
                key={row.id} id={`${id}-${row.id}`} row={row} process={tree.processes[row.at]!} path={model.path[row.at] === 1}
                below={model.below[row.at]!} active={item.index === active} chosen={row.kind === "process" && row.at === chosen} top={item.start} zone={zone}
                onToggle={() => {
                  setActiveId(row.id);
                  onToggle(row.id);
                }}
                onChoose={() => {
                  setActiveId(row.id);
                  enter(row);
                }}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}
