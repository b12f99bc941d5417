import { memo } from "react";
import { formatCompact, formatNumber, formatTime } from "@/lib/format";
import { baseName } from "@/lib/process";
import type { TreeRow } from "@/lib/proctree";
import type { TreeProcessRow } from "./ProcessTree";
import { Text } from "./Text";

interface Props {
  id: string;
  row: TreeRow;
  process: TreeProcessRow;
  path: boolean;
  below: number;
  active: boolean;
  chosen: boolean;
  top: number;
  /** Passed in: a component with a clock of its own for each row is felt when rows fly by. */
  zone: string;
  onToggle: () => void;
  onChoose: () => void;
}

const STEP = 16;
/** Deeper than this stands no further right: the level is in the row for screen readers. */
const MOST_STEPS = 24;

function Touched({ process }: { process: TreeProcessRow }) {
  const parts: Array<readonly [number, string, string]> = [
    [process.files, "f", "files"], [process.network, "n", "network"], [process.registry, "r", "registry"],
  ];
  return (
    <span className="ptree-touched num">
      {parts.map(([count, sign, name]) => (
        <span key={sign} className={count ? `ptree-leaf ptree-leaf-${sign}` : "ptree-none"} title={`${formatNumber(count)} ${name}`}>
          {count ? formatCompact(count) : "·"}
          <span className="sr-only"> {name}</span>
        </span>
      ))}
    </span>
  );
}

function Name({ row, process, below }: Pick<Props, "row" | "process" | "below">) {
  const name = baseName(process.image) || "unknown program";
  if (row.kind === "fold") {
    return (
      <>
        <Text value={name.replace(/\.exe$/i, "")} max={48} />
        <span className="ptree-times num">×{formatNumber(row.count)}</span>
      </>
    );
  }
  return (
    <>
      <Text value={name} max={48} />
      <span className="faint num">{process.pid || ""}</span>
      {process.inferred && <span className="ptree-tag">inferred</span>}
      {!row.open && below > 0 && <span className="ptree-below num">+{formatCompact(below)}</span>}
    </>
  );
}

export const ProcessRow = memo(
  function ProcessRow({ id, row, process, path, below, active, chosen, top, zone, onToggle, onChoose }: Props) {
    const fold = row.kind === "fold";
    const classes = [
      "ptree-row", path && !fold && "ptree-path", process.focus && !fold && "ptree-focus", process.inferred && !fold && "ptree-inferred",
      active && "ptree-active", chosen && "ptree-chosen",
    ];
    return (
      <div
        id={id} role="treeitem" aria-level={row.depth + 1} aria-posinset={row.position} aria-setsize={row.siblings}
        aria-expanded={row.children ? row.open : undefined} aria-selected={chosen} className={classes.filter(Boolean).join(" ")}
        style={{ transform: `translateY(${top}px)` }} onClick={onChoose}
      >
        <span className="ptree-name" style={{ paddingLeft: Math.min(row.depth, MOST_STEPS) * STEP }}>
          <span
            className="ptree-twist" aria-hidden="true"
            onClick={(event) => {
              if (!row.children) return;
              event.stopPropagation();
              onToggle();
            }}
          >
            {row.children ? (row.open ? "▾" : "▸") : ""}
          </span>
          <span className="ptree-mark" aria-hidden="true" />
          <Name row={row} process={process} below={below} />
          {process.focus && !fold && <span className="sr-only">, in the verdict</span>}
        </span>
        <span className="ptree-command">{fold ? <span className="faint">{row.open ? "" : "folded"}</span> : <Text value={process.command_line} max={240} mono />}</span>
        <span className="ptree-user">{fold ? "" : <Text value={process.user} max={40} />}</span>
        <span className="ptree-started num">{fold ? "" : formatTime(process.started, zone, "clock")}</span>
        {fold ? <span /> : <Touched process={process} />}
      </div>
    );
  },
  (old, next) =>
    old.row === next.row && old.process === next.process && old.path === next.path && old.active === next.active &&
    old.chosen === next.chosen && old.top === next.top && old.id === next.id && old.zone === next.zone,
);
