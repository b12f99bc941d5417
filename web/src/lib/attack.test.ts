import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { matrix, TACTICS, tacticOf, techniqueName, TECHNIQUES } from "./attack";
import { SUB_NAMES } from "./subtechniques";

describe("ATT&CK", () => {
  it("has the platform's techniques and tactics, no more and no fewer", () => {
    // ctest runs in a copy of web/ and says where the rest is.
    const text = readFileSync(`${process.env.LOGSTER_SOURCE ?? ".."}/src/alert/tactics.def`, "utf8");
    const rows = [...text.matchAll(/^X\("(T\d{4})", "([^"]+)"\)$/gm)].map((one) => `${one[1]} ${one[2]}`);
    expect(rows.length).toBeGreaterThan(100);
    expect([...TECHNIQUES.values()].map((one) => `${one.id} ${one.tactic}`).sort()).toEqual(rows);
  });

  it("knows a sub-technique by its parent", () => {
    expect(tacticOf("T1059.001")).toBe("Execution");
    expect(techniqueName("T1003.001")).toBe("OS Credential Dumping: LSASS Memory");
    expect(techniqueName("T1003.099")).toBe("OS Credential Dumping");
    expect(tacticOf("T9999")).toBeNull();
  });

  it("has a name for each sub-technique of the platform's patterns", () => {
    const text = readFileSync(`${process.env.LOGSTER_SOURCE ?? ".."}/docs/techniques.md`, "utf8");
    const known = new Set([...text.matchAll(/T\d{4}\.\d{3}/g)].map((one) => one[0]));
    expect(known.size).toBeGreaterThan(50);
    expect([...known].filter((id) => !SUB_NAMES[id])).toEqual([]);
  });

  it("sorts into a matrix", () => {
    const seen = [
      { technique: "T1059.001", tactic: "Execution", attacks: 3, hosts: 1 },
      { technique: "T1047", tactic: null, attacks: 5, hosts: 2 },
      { technique: "T9999", tactic: null, attacks: 1, hosts: 1 },
    ];
    const columns = matrix(seen, false);
    const execution = columns.find((one) => one.tactic === "Execution")!;
    expect(execution.rows.map((one) => one.technique)).toEqual(["T1047", "T1059.001"]);
    expect(execution.sightings).toBe(8);
    expect(columns.map((one) => one.tactic)).toEqual([...TACTICS, "Other"]);
    // The parent of a seen sub-technique is not listed as unseen.
    const full = matrix(seen, true).find((one) => one.tactic === "Execution")!;
    expect(full.rows.map((one) => one.technique)).toContain("T1204");
    expect(full.rows.map((one) => one.technique)).not.toContain("T1059");
  });
});
