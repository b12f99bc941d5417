// The rows of a process tree: which processes are shown, how deep, what is folded. No React here.
import { foldKey } from "./process";

export interface TreeProcess {
  /** Position of the parent, which stands before; null: a root. */
  parent: number | null;
  inferred: boolean;
  focus: boolean;
  process_guid?: string | null;
  pid: number;
  image: string | null;
  started: number | null;
}

/** Numbers stand for the rows: a process by its position, a fold by FOLD_BASE and its first process. */
const FOLD_BASE = 1_000_000_000;
/** A fold of two hides more than it saves. */
const FOLD_LEAST = 3;
/** Up to so many processes all of them are open at first. */
const OPEN_ALL = 80;

export interface TreeRow {
  kind: "process" | "fold";
  /** For Sets of what is open, and for React. */
  id: number;
  /** The process, or the first one of a fold. */
  at: number;
  depth: number;
  /** Row id of the parent, -1 for a root. */
  up: number;
  /** Processes in a fold. */
  count: number;
  children: boolean;
  open: boolean;
  position: number;
  siblings: number;
}

export interface TreeModel<P extends TreeProcess = TreeProcess> {
  processes: readonly P[];
  roots: number[];
  children: number[][];
  /** In focus, or above one that is: the attack path. */
  path: Uint8Array;
  focus: number;
  /** Processes below each. */
  below: Int32Array;
}

export function treeModel<P extends TreeProcess>(processes: readonly P[]): TreeModel<P> {
  const children: number[][] = processes.map(() => []);
  const roots: number[] = [];
  const path = new Uint8Array(processes.length);
  const below = new Int32Array(processes.length);
  let focus = 0;
  processes.forEach((one, at) => {
    // Parents stand before their children; whatever says otherwise would make a circle.
    const known = one.parent !== null && one.parent >= 0 && one.parent < at;
    (known ? children[one.parent!]! : roots).push(at);
    if (one.focus) {
      path[at] = 1;
      focus++;
    }
  });
  for (let at = processes.length - 1; at >= 0; at--) {
    const parent = processes[at]!.parent;
    if (parent === null || parent < 0 || parent >= at) continue;
    below[parent]! += below[at]! + 1;
    if (path[at]) path[parent] = 1;
  }
  const time = (at: number) => processes[at]!.started ?? 0;
  for (const list of [roots, ...children]) list.sort((a, b) => time(a) - time(b) || a - b);
  return { processes, roots, children, path, focus, below };
}

export function foldId(first: number): number {
  return FOLD_BASE + first;
}

/** What is open at first: the attack path with what it started; small trees wholly. */
export function firstOpen(model: TreeModel): Set<number> {
  const open = new Set<number>();
  const small = model.processes.length <= OPEN_ALL;
  const quiet = model.focus === 0;
  model.processes.forEach((_, at) => {
    if (!model.children[at]!.length) return;
    if (small || model.path[at] || (quiet && model.processes[at]!.parent === null)) open.add(at);
  });
  return open;
}

/** Everything open, folds too. */
export function allOpen(model: TreeModel): Set<number> {
  const open = new Set<number>();
  model.processes.forEach((_, at) => {
    if (model.children[at]!.length) open.add(at);
    open.add(foldId(at));
  });
  return open;
}

interface Group {
  items: number[];
}

/** Siblings of one name in the place of their first; what is on the path stays by itself. */
function groups(model: TreeModel, siblings: readonly number[], pathOnly: boolean): Group[] {
  const known = new Map<string, Group>();
  const order: Group[] = [];
  for (const at of siblings) {
    if (pathOnly && !model.path[at]) continue;
    const key = model.path[at] ? null : foldKey(model.processes[at]!.image);
    const group = key === null ? undefined : known.get(key);
    if (group) {
      group.items.push(at);
      continue;
    }
    const made = { items: [at] };
    order.push(made);
    if (key !== null) known.set(key, made);
  }
  return order;
}

/** The tree as the rows that are to be seen, top down. Of any depth: no recursion. */
export function treeRows(model: TreeModel, open: ReadonlySet<number>, pathOnly = false): TreeRow[] {
  const rows: TreeRow[] = [];
  const stack: TreeRow[] = [];
  const push = (siblings: readonly number[], depth: number, up: number) => {
    const made: TreeRow[] = [];
    for (const group of groups(model, siblings, pathOnly)) {
      if (group.items.length >= FOLD_LEAST) made.push(foldRow(group.items, depth, up, open));
      else for (const at of group.items) made.push(processRow(model, at, depth, up, open, pathOnly));
    }
    number(made, stack);
  };
  const folded = new Map<number, number[]>();
  const foldRow = (items: number[], depth: number, parent: number, shown: ReadonlySet<number>): TreeRow => {
    const id = foldId(items[0]!);
    folded.set(id, items);
    return { kind: "fold", id, at: items[0]!, depth, up: parent, count: items.length, children: true, open: shown.has(id), position: 0, siblings: 0 };
  };
  push(model.roots, 0, -1);
  for (let row = stack.pop(); row; row = stack.pop()) {
    rows.push(row);
    if (!row.open) continue;
    if (row.kind === "fold") {
      number(folded.get(row.id)!.map((at) => processRow(model, at, row!.depth + 1, row!.id, open, pathOnly)), stack);
    } else {
      push(model.children[row.at]!, row.depth + 1, row.id);
    }
  }
  return rows;
}

function processRow(model: TreeModel, at: number, depth: number, up: number, open: ReadonlySet<number>, pathOnly: boolean): TreeRow {
  const has = pathOnly ? model.children[at]!.some((child) => model.path[child]) : model.children[at]!.length > 0;
  return { kind: "process", id: at, at, depth, up, count: 1, children: has, open: has && open.has(at), position: 0, siblings: 0 };
}

/** Numbers siblings for screen readers, and lays them on the stack so that the first comes off first. */
function number(made: TreeRow[], stack: TreeRow[]): void {
  for (let at = made.length - 1; at >= 0; at--) {
    made[at]!.position = at + 1;
    made[at]!.siblings = made.length;
    stack.push(made[at]!);
  }
}

/** How the address names a process: by what the platform calls it, else by pid and start. */
export function processKey(one: TreeProcess): string {
  return one.process_guid || `${one.pid}@${one.started ?? ""}`;
}

/** Opens what is above a process, so that it can be seen: its parents, and folds that hide them. */
export function openTo(model: TreeModel, open: ReadonlySet<number>, at: number): Set<number> {
  const next = new Set(open);
  for (let one = at; ; ) {
    const parent = model.processes[one]!.parent;
    const up = parent !== null && parent >= 0 && parent < one ? parent : null;
    const siblings = up === null ? model.roots : model.children[up]!;
    const group = groups(model, siblings, false).find((each) => each.items.includes(one));
    if (group && group.items.length >= FOLD_LEAST) next.add(foldId(group.items[0]!));
    if (up === null) return next;
    next.add(up);
    one = up;
  }
}

export type TreeMove = { active: number } | { open: number } | { close: number } | null;

/** What an arrow key does, as in every tree: right opens or goes in, left closes or goes out. */
export function treeMove(rows: readonly TreeRow[], active: number, key: string, page: number): TreeMove {
  const row = rows[active];
  const last = rows.length - 1;
  const clamp = (at: number): TreeMove => ({ active: Math.max(0, Math.min(last, at)) });
  switch (key) {
    case "ArrowDown": return clamp(active + 1);
    case "ArrowUp": return clamp(active - 1);
    case "PageDown": return clamp(active + page);
    case "PageUp": return clamp(active - page);
    case "Home": return clamp(0);
    case "End": return clamp(last);
    case "ArrowRight":
      if (!row?.children) return null;
      return row.open ? clamp(active + 1) : { open: row.id };
    case "ArrowLeft": {
      if (!row) return null;
      if (row.open) return { close: row.id };
      // The row above with a lower depth is the parent.
      let at = active - 1;
      while (at >= 0 && rows[at]!.depth >= row.depth) at--;
      return at >= 0 ? { active: at } : null;
    }
    default: return null;
  }
}
