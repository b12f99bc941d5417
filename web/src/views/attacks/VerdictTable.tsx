// Rows of verdicts, as Recent attacks and Timeline show them.
import { useMemo, type ReactNode } from "react";
import type { InferenceResponse } from "@/api";
import { formatNumber, formatProb, words } from "@/lib/format";
import { mainEvidence } from "@/lib/verdicts";
import { DataTable, type Column, type Sort } from "@/ui/DataTable";
import { useGo } from "@/ui/Link";
import { Severity } from "@/ui/Severity";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";
import "./attacks.css";

function Verdict({ row }: { row: InferenceResponse }) {
  if (row.prediction === "attack") return <Severity value={row.severity} />;
  return <span className={row.prediction === "error" ? "verdict-error" : "faint"}>{row.prediction}</span>;
}

function Probability({ row }: { row: InferenceResponse }) {
  if (row.attack_prob === null) return <span className="faint">–</span>;
  return (
    <span className="prob">
      <span className="prob-bar" aria-hidden="true">
        <span className={row.prediction === "attack" ? "prob-attack" : ""} style={{ width: `${Math.max(2, row.attack_prob * 100)}%` }} />
      </span>
      <span className="num">{formatProb(row.attack_prob)}</span>
    </span>
  );
}

/** What the verdict is about, in as few words as there are. */
function About({ row }: { row: InferenceResponse }) {
  const main = mainEvidence(row);
  if (row.prediction === "error") return <span className="faint">no verdict: {words(row.error ?? "unknown")}</span>;
  if (!main) return <span className="faint">no evidence</span>;
  const process = main.type === "process";
  return (
    <span className="about">
      <Value field={process ? "process" : main.type} value={main.name} max={40} middle />
      {process && typeof main.command_line === "string" && main.command_line !== main.name && (
        <span className="about-line faint"><Text value={main.command_line} max={200} mono /></span>
      )}
      {!process && <span className="faint">{words(main.type)}</span>}
    </span>
  );
}

function TechniqueList({ row }: { row: InferenceResponse }) {
  const all = row.ttp_techniques ?? [];
  if (!all.length) return <span className="faint">–</span>;
  return (
    <span className="techniques">
      {all.slice(0, 2).map((one) => <Value key={one} field="technique" value={one} mono />)}
      {all.length > 2 && <span className="faint" title={all.slice(2).join(", ")}>+{all.length - 2}</span>}
    </span>
  );
}

const COLUMNS: ReadonlyArray<Column<InferenceResponse>> = [
  { id: "time", header: "Window end", width: "148px", sortBy: "time", cell: (row) => <Time at={row.window_end} /> },
  { id: "verdict", header: "Severity", width: "92px", cell: (row) => <Verdict row={row} /> },
  { id: "prob", header: "Probability", width: "104px", sortBy: "attack_prob", cell: (row) => <Probability row={row} /> },
  { id: "host", header: "Host", width: "minmax(110px, 0.6fr)", cell: (row) => <Value field="host" value={row.endpoint_id} max={32} middle /> },
  { id: "about", header: "Strongest evidence", width: "minmax(220px, 2fr)", cell: (row) => <About row={row} /> },
  { id: "techniques", header: "Techniques", width: "192px", cell: (row) => <TechniqueList row={row} /> },
  { id: "events", header: "Events", width: "64px", align: "end", cell: (row) => formatNumber(row.events) },
  { id: "nodes", header: "Nodes", width: "60px", align: "end", cell: (row) => formatNumber(row.graph_nodes) },
];

interface Props {
  label: string;
  rows: readonly InferenceResponse[];
  total?: number | undefined;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  hasMore?: boolean;
  loadingMore?: boolean;
  onMore?: () => void;
  height?: number;
  empty?: ReactNode;
}

export function VerdictTable(props: Props) {
  const go = useGo();
  const open = useMemo(
    () => (row: InferenceResponse) => go(`/inferences/${encodeURIComponent(row.inference_id)}`, { time: String(row.window_end) }),
    [go],
  );
  return <DataTable {...props} columns={COLUMNS} rowKey={(row) => row.inference_id} onOpen={open} />;
}

