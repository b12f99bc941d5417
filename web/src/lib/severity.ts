// Severity is a word, a shape and a colour: never a colour alone.

export const SEVERITIES = ["critical", "high", "medium", "low"] as const;
export type SeverityName = (typeof SEVERITIES)[number];

const SHAPES: Record<SeverityName, string> = { critical: "◆", high: "▲", medium: "●", low: "○" };

export function isSeverity(value: unknown): value is SeverityName {
  return typeof value === "string" && (SEVERITIES as readonly string[]).includes(value);
}

export function severityShape(severity: SeverityName): string {
  return SHAPES[severity];
}

/** 0 for what has none, 4 for critical: to sort by. */
export function severityRank(severity: string | null | undefined): number {
  return isSeverity(severity) ? SEVERITIES.length - SEVERITIES.indexOf(severity) : 0;
}
