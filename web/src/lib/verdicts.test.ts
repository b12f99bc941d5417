import { describe, expect, it } from "vitest";
import type { InferenceResponse } from "@/api";
import { groupCounts, keepVerdicts, mainEvidence, planVerdicts, probabilityBins, sizeBins } from "./verdicts";

const row = (more: Partial<InferenceResponse>): InferenceResponse => ({
  inference_id: "1", tenant_id: "default", endpoint_id: "hr001", window_start: 0, window_end: 180,
  prediction: "attack", attack_prob: 0.9, ...more,
});

describe("filters of verdicts", () => {
  it("gives the platform what it can search by", () => {
    const plan = planVerdicts({ prediction: ["attack"] }, [
      { field: "host", value: "hr001", out: false },
      { field: "technique", value: "T1003", out: false },
      { field: "technique", value: "T1059", out: false },
      { field: "severity", value: "high", out: false },
      { field: "severity", value: "low", out: false },
      { field: "host", value: "dc01", out: true },
    ]);
    expect(plan.query).toEqual({ prediction: ["attack"], endpoint: "hr001", technique: "T1003", severity: ["high", "low"] });
    expect(plan.local.map((one) => one.value)).toEqual(["T1059", "dc01"]);
  });

  it("sorts out the rest itself, in any case", () => {
    const rows = [row({ endpoint_id: "HR001" }), row({ endpoint_id: "dc01", ttp_techniques: ["T1003"] })];
    expect(keepVerdicts(rows, [{ field: "host", value: "hr001", out: true }]).map((one) => one.endpoint_id)).toEqual(["dc01"]);
    expect(keepVerdicts(rows, [{ field: "technique", value: "t1003", out: false }])).toHaveLength(1);
    expect(keepVerdicts(rows, [{ field: "unknown", value: "x", out: false }])).toHaveLength(0);
  });

  it("finds the process that a verdict is about", () => {
    const evidence = [{ node: 1, type: "file", name: "a" }, { node: 2, type: "process", name: "b" }] as NonNullable<InferenceResponse["evidence"]>;
    expect(mainEvidence(row({ evidence }))?.name).toBe("b");
    expect(mainEvidence(row({}))).toBeNull();
  });
});

describe("distributions", () => {
  it("counts 1.0 in the last part and leaves out what has no probability", () => {
    const bins = probabilityBins([row({ attack_prob: 1 }), row({ attack_prob: 0.05, prediction: "benign" }), row({ attack_prob: null })], 10);
    expect(bins[9]!.counts).toEqual({ attack: 1 });
    expect(bins[0]!.counts).toEqual({ benign: 1 });
    expect(bins).toHaveLength(10);
  });

  it("bins sizes by powers of two", () => {
    const bins = sizeBins([row({ graph_nodes: 7 }), row({ graph_nodes: 8 }), row({ graph_nodes: 31 }), row({})], (one) => one.graph_nodes);
    expect(bins.map((bin) => [bin.from, bin.to, bin.counts.attack ?? 0])).toEqual([[4, 8, 1], [8, 16, 1], [16, 32, 1]]);
    expect(sizeBins([], (one) => one.graph_nodes)).toEqual([]);
  });

  it("groups severities worst first", () => {
    const rows = [row({ severity: "low" }), row({ severity: "low" }), row({ severity: "critical" })];
    expect(groupCounts(rows, (one) => one.severity ?? "none").map((one) => [one.value, one.total])).toEqual([["critical", 1], ["low", 2]]);
  });
});
