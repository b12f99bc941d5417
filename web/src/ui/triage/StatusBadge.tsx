import "./triage.css";
import type { AlertStatus } from "@/api";
import { words } from "@/lib/format";

const SHAPES: Record<AlertStatus, string> = {
  open: "○", acknowledged: "◔", investigating: "◑", resolved: "●", false_positive: "⊘",
};

/** Where an alert stands in its life: a word and a shape that fills as it goes on. */
export function StatusBadge({ value }: { value: AlertStatus }) {
  return (
    <span className={`status status-${value}`}>
      <span aria-hidden="true">{SHAPES[value] ?? "○"}</span> {words(value)}
    </span>
  );
}
