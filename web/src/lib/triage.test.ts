import { describe, expect, it } from "vitest";
import type { AlertResponse } from "@/api";
import { alertMatches, differences, onlyMachine, patchOf, serverPart, stepAllowed, stepsFrom, undoOf } from "./triage";

const alert = {
  alert_id: "a", tenant_id: "t", endpoint_id: "hr001", hostname: "hr001.corp.example", severity: "high", status: "open", title: "Execution on hr001: cmd.exe",
  description: "", ttp_techniques: ["T1003.001", "T1059"], process: "C:\\Windows\\cmd.exe", user: "CORP\\anna", process_hash: "ab12", evidence: [], version: 3,
  occurrences: 1, assignee: null, analyst_notes: null,
} as unknown as AlertResponse;
const f = (field: string, value: string, out = false) => ({ field, value, out });

describe("steps", () => {
  it("go from one closed state to the other only by way of an active one", () => {
    expect(stepAllowed("resolved", "false_positive")).toBe(false);
    expect(stepAllowed("resolved", "open")).toBe(true);
    expect(stepAllowed("open", "resolved")).toBe(true);
    expect(stepAllowed("open", "open")).toBe(false);
    expect(stepsFrom("false_positive").map((step) => step.to)).toEqual(["open", "acknowledged", "investigating"]);
  });
  it("make whoever takes on nobody's alert its assignee, and nobody else", () => {
    expect(patchOf(alert, "acknowledged", null, "anna")).toEqual({ status: "acknowledged", assignee: "anna" });
    expect(patchOf({ ...alert, assignee: "ben" }, "acknowledged", null, "anna")).toEqual({ status: "acknowledged" });
    expect(patchOf(alert, "resolved", "seen", "anna")).toEqual({ status: "resolved", analyst_notes: "seen" });
  });
  it("are taken back in just what they changed", () => {
    const patch = patchOf(alert, "acknowledged", null, "anna");
    expect(undoOf(alert, patch)).toEqual({ status: "open", assignee: null });
  });
});

describe("a lost race", () => {
  it("shows what each side changed", () => {
    const theirs = { ...alert, status: "resolved", assignee: "ben", version: 4 } as AlertResponse;
    expect(differences(alert, theirs, { status: "acknowledged" })).toEqual([
      { field: "Status", seen: "open", theirs: "resolved", yours: "acknowledged" },
      { field: "Assignee", seen: null, theirs: "ben", yours: null },
    ]);
    expect(onlyMachine(alert, theirs)).toBe(false);
  });
  it("is none where only new verdicts came", () => {
    expect(onlyMachine(alert, { ...alert, occurrences: 2, severity: "critical", version: 4 })).toBe(true);
  });
});

describe("filters", () => {
  it("take values of one field as alternatives and fields together", () => {
    expect(alertMatches(alert, [f("host", "hr001"), f("host", "hr002")])).toBe(true);
    expect(alertMatches(alert, [f("host", "hr001"), f("user", "corp\\ben")])).toBe(false);
    expect(alertMatches(alert, [f("process", "CMD.EXE"), f("technique", "T1003")])).toBe(true);
    expect(alertMatches(alert, [f("technique", "T100")])).toBe(false);
    expect(alertMatches(alert, [f("technique", "T1059", true)])).toBe(false);
  });
  it("leave to the server what it can do alone", () => {
    expect(serverPart([f("host", "hr001")])).toEqual({ endpoint: "hr001", whole: true });
    expect(serverPart([f("host", "a"), f("host", "b")])).toEqual({ whole: false });
    expect(serverPart([f("host", "a", true)])).toEqual({ whole: false });
    expect(serverPart([f("image", "C:\\Windows\\cmd.exe")])).toEqual({ q: "cmd.exe", whole: false });
  });
});
