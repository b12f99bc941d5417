import { formatPercent } from "@/lib/format";

/** The shapes of Graph's NODE_SHAPES in a box of 14 by 14. */
const PATHS: Record<string, string> = {
  process: "M3 1.5h8a2.5 2.5 0 0 1 2.5 2.5v6a2.5 2.5 0 0 1-2.5 2.5h-8A2.5 2.5 0 0 1 .5 10V4A2.5 2.5 0 0 1 3 1.5z", file: "M1 1h12v12H1z",
  registry: "M3.5 1h7l3 6-3 6h-7l-3-6z", module: "M1 3c3-2 9-2 12 0v8c-3 2-9 2-12 0z", pipe: "M1 2h8l4 5-4 5H1z", network: "M7 .5L13.5 7 7 13.5.5 7z",
  dns: "M.5 2.5h9l4 9h-9z", script: "M4 1h6l3 3v6l-3 3H4l-3-3V4z", service: "M4.5 1h5L13 4.5v5L9.5 13h-5L1 9.500v-5z", account: "M7 1a6 6 0 1 0 0 12A6 6 0 1 0 7 1z",
  device: "M1 1l6 4 6-4-6 12z", wmi: "M7 .5l6.500 5-2.500 8h-8l-2.500-8z", share: "M1 1h12v9a3 3 0 0 1-3 3H4a3 3 0 0 1-3-3z", kernel: "M7 .5l5 2.500 1.500 5.500-3.500 5h-6l-3.500-5L2 3z",
  log: "M1 1h12l-2 6 2 6H1l2-6z",
};

const STEPS = [0, 0.005, 0.02, 0.05, 0.12, 0.25];

export function NodeShape({ type, step }: { type: string; step?: number }) {
  return (
    <svg className="node-shape" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
      <path d={PATHS[type] ?? PATHS.account} style={{ fill: step === undefined ? "var(--surface-3)" : `var(--share-${step})` }} />
    </svg>
  );
}

export function GraphLegend({ types }: { types: readonly string[] }) {
  return (
    <div className="graph-legend" role="group" aria-label="Legend">
      {types.map((type) => (
        <span key={type}><NodeShape type={type} /> {type}</span>
      ))}
      <span className="graph-legend-share">
        share of the verdict
        {STEPS.map((from, step) => (
          <i key={step} style={{ background: `var(--share-${step})` }} title={step ? `${formatPercent(from, from < 0.01 ? 1 : 0)} or more` : "none"} />
        ))}
        0 to 25 % and more
      </span>
    </div>
  );
}
