import { isSeverity, severityShape } from "@/lib/severity";

/** Word, shape and colour. */
export function Severity({ value, compact = false }: { value: string | null | undefined; compact?: boolean }) {
  if (!isSeverity(value)) return <span className="faint">none</span>;
  return (
    <span className={`severity severity-${value}`}>
      <span aria-hidden="true" className="severity-shape">
        {severityShape(value)}
      </span>
      <span className={compact ? "sr-only" : undefined}>{value}</span>
    </span>
  );
}
