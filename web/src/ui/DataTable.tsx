// A list of any length: only the rows in sight are drawn, more are fetched as the end comes near.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useKeys } from "@/app/keys";

export interface Column<Row> {
  id: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  /** A CSS grid track: "120px", "minmax(160px, 2fr)". */
  width?: string;
  align?: "start" | "end";
  /** The value of `sort` that this column's header asks for. */
  sortBy?: string;
}

export interface Sort {
  by: string;
  order: "asc" | "desc";
}

interface Props<Row> {
  /** Names the table for screen readers: "Alerts". */
  label: string;
  columns: ReadonlyArray<Column<Row>>;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Rows that match on the server, where it is known. */
  total?: number | undefined;
  sort?: Sort | undefined;
  onSort?: (sort: Sort) => void;
  /** Enter or a click on a row. */
  onOpen?: (row: Row) => void;
  /** The row whose panel is open. */
  openKey?: string | null | undefined;
  /** The row that the keyboard stands on: for a view's own keys. */
  onActive?: (row: Row | null) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (selected: Set<string>) => void;
  hasMore?: boolean;
  loadingMore?: boolean;
  onMore?: () => void;
  rowHeight?: number;
  rowClass?: (row: Row) => string | undefined;
  /** Height in px; without it the table fills what its parent leaves (use <Page fill>). */
  height?: number;
  /** What stands in the place of rows while there are none. */
  empty?: ReactNode;
  /** j, k, Enter and x work everywhere on the page: off where a page has several tables. */
  pageKeys?: boolean;
}

const SELECT_TRACK = "36px";
const AHEAD = 20;
const GAP = 12;

/** What the columns need at least: rows wider than the table scroll, and all have the same tracks. */
function leastWidth(widths: readonly string[]): number {
  const least = (width: string) => Number(/(\d+(?:\.\d+)?)px/.exec(width)?.[1] ?? 80);
  return widths.reduce((sum, width) => sum + least(width) + GAP, GAP);
}

export function DataTable<Row>(props: Props<Row>) {
  const { rows, rowKey, columns, selected, onSelect, onOpen, onActive, hasMore, loadingMore, onMore } = props;
  const rowHeight = props.rowHeight ?? 32;
  const scroller = useRef<HTMLDivElement>(null);
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const id = useId();
  const selectable = Boolean(selected && onSelect);
  const widths = [...(selectable ? [SELECT_TRACK] : []), ...columns.map((column) => column.width ?? "minmax(80px, 1fr)")];
  const grid = { gridTemplateColumns: widths.join(" "), minWidth: leastWidth(widths) };

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.length ? items[items.length - 1]!.index : -1;
  useEffect(() => {
    if (hasMore && !loadingMore && lastShown >= rows.length - AHEAD) onMore?.();
  }, [hasMore, loadingMore, lastShown, rows.length, onMore]);

  // The row is remembered by its key: new rows above it must not move the keyboard to another.
  const activeAt = activeKey === null ? -1 : rows.findIndex((row) => rowKey(row) === activeKey);
  const activate = useCallback(
    (at: number) => {
      const row = rows[Math.max(0, Math.min(rows.length - 1, at))];
      if (!row) return;
      setActiveKey(rowKey(row));
      virtual.scrollToIndex(rows.indexOf(row));
      onActive?.(row);
    },
    [rows, rowKey, virtual, onActive],
  );
  const open = () => activeAt >= 0 && onOpen?.(rows[activeAt]!);
  const toggle = (key: string) => {
    if (!selected || !onSelect) return;
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    onSelect(next);
  };

  useKeys(
    props.label,
    [
      { key: "j", label: "Next row", run: () => activate(activeAt + 1) },
      { key: "k", label: "Row before", run: () => activate(activeAt < 0 ? 0 : activeAt - 1) },
      ...(onOpen ? [{ key: "Enter", label: "Open", run: open }] : []),
      ...(selectable ? [{ key: "x", label: "Select", run: () => activeKey && toggle(activeKey) }] : []),
    ],
    (props.pageKeys ?? true) && rows.length > 0,
  );

  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 320) / rowHeight) - 2);
    const to = {
      ArrowDown: activeAt + 1, ArrowUp: activeAt - 1, PageDown: activeAt + page, PageUp: activeAt - page,
      Home: 0, End: rows.length - 1,
    }[event.key];
    if (event.target !== scroller.current) return;
    if (to !== undefined) activate(to);
    else if (event.key === "Enter") open();
    else if (event.key === " " && selectable && activeKey) toggle(activeKey);
    else return;
    event.preventDefault();
  };

  const allSelected = selectable && rows.length > 0 && rows.every((row) => selected!.has(rowKey(row)));
  return (
    <div
      ref={scroller}
      className="table"
      role="grid"
      aria-label={props.label}
      aria-rowcount={props.total !== undefined ? Math.max(props.total, rows.length) + 1 : -1}
      aria-colcount={columns.length + (selectable ? 1 : 0)}
      aria-multiselectable={selectable || undefined}
      aria-activedescendant={activeAt >= 0 && items.some((item) => item.index === activeAt) ? `${id}-${activeAt}` : undefined}
      tabIndex={0}
      onKeyDown={onKey}
      style={props.height ? { height: props.height, flex: "none" } : undefined}
    >
      <div role="rowgroup" className="table-head">
        <div role="row" aria-rowindex={1} className="table-row" style={grid}>
          {selectable && (
            <div role="columnheader" className="table-cell">
              <input
                type="checkbox"
                aria-label="Select all loaded rows"
                checked={allSelected}
                onChange={() => onSelect!(allSelected ? new Set() : new Set(rows.map(rowKey)))}
              />
            </div>
          )}
          {columns.map((column) => (
            <HeaderCell key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
          ))}
        </div>
      </div>
      {rows.length === 0 ? (
        <div role="rowgroup">
          <div role="row">
            <div role="gridcell">{props.empty}</div>
          </div>
        </div>
      ) : (
        <div role="rowgroup" className="table-body" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]!;
            const key = rowKey(row);
            const isSelected = selected?.has(key) ?? false;
            const classes = [
              "table-row", onOpen && "table-row-open", key === activeKey && "table-row-active",
              (isSelected || key === props.openKey) && "table-row-chosen", props.rowClass?.(row),
            ];
            return (
              <div
                key={key}
                id={`${id}-${item.index}`}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={selectable ? isSelected : undefined}
                className={classes.filter(Boolean).join(" ")}
                style={{ ...grid, height: rowHeight, transform: `translateY(${item.start}px)` }}
                onClick={(event) => {
                  if ((event.target as HTMLElement).closest("a,button,input")) return;
                  // Marking text to copy it is no click.
                  if (window.getSelection()?.toString()) return;
                  setActiveKey(key);
                  onActive?.(row);
                  onOpen?.(row);
                }}
              >
                {selectable && (
                  <div role="gridcell" className="table-cell">
                    <input type="checkbox" aria-label={`Select row ${item.index + 1}`} checked={isSelected} onChange={() => toggle(key)} />
                  </div>
                )}
                {columns.map((column) => (
                  <div key={column.id} role="gridcell" className={`table-cell ${column.align === "end" ? "table-end" : ""}`}>
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      )}
      {loadingMore && <div className="table-more" role="status">Loading more…</div>}
    </div>
  );
}

function HeaderCell<Row>({ column, sort, onSort }: { column: Column<Row>; sort: Sort | undefined; onSort: ((sort: Sort) => void) | undefined }) {
  const active = sort !== undefined && sort.by === column.sortBy;
  const end = column.align === "end" ? "table-end" : "";
  if (!column.sortBy || !onSort) {
    return (
      <div role="columnheader" className={`table-cell ${end}`}>
        {column.header}
      </div>
    );
  }
  const next: Sort = { by: column.sortBy, order: active && sort.order === "desc" ? "asc" : "desc" };
  return (
    <div role="columnheader" aria-sort={active ? (sort.order === "asc" ? "ascending" : "descending") : "none"} className={`table-cell ${end}`}>
      <button type="button" className="table-sort" tabIndex={0} onClick={() => onSort(next)}>
        {column.header}
        <span aria-hidden="true">{active ? (sort.order === "asc" ? "↑" : "↓") : ""}</span>
      </button>
    </div>
  );
}
