import { describe, expect, it } from "vitest";
import { formatFilter, parseFilter, readFilters, withFilter, writeFilters } from "./filters";
import { baseName, foldKey, foldRepeats } from "./process";
import { isSeverity, severityRank } from "./severity";
import { shareStep, shareToken } from "./share";
import { addressOf, safeReturn, scopeOnly, withParams } from "./urlstate";

describe("addresses", () => {
  const here = new URLSearchParams("from=now-1h&host=hr001&sort=severity&panel=7&f=user:a");

  it("keep only the scope on the way to another view", () => {
    expect(scopeOnly(here).toString()).toBe("from=now-1h&host=hr001");
    expect(addressOf("/alerts", here, { severity: "high" })).toBe("/alerts?from=now-1h&host=hr001&severity=high");
    expect(addressOf("/hosts", new URLSearchParams())).toBe("/hosts");
  });

  it("take several values, and lose empty ones", () => {
    expect(withParams(here, { panel: null, sort: "", f: ["user:b", "-ip:1.2.3.4"] }).toString()).toBe(
      "from=now-1h&host=hr001&f=user%3Ab&f=-ip%3A1.2.3.4",
    );
  });

  it("lead back to this page only", () => {
    expect(safeReturn("/alerts?x=1")).toBe("/alerts?x=1");
    for (const bad of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", null]) {
      expect(safeReturn(bad)).toBe("/");
    }
  });
});

describe("filters", () => {
  it("read what they write, with colons and line breaks in values", () => {
    for (const filter of [
      { field: "image", value: "C:\\a b.exe", out: false }, { field: "user", value: "-x:\ny", out: true },
    ]) {
      expect(parseFilter(formatFilter(filter))).toEqual(filter);
    }
    expect(parseFilter("nothing")).toBeNull();
    expect(parseFilter(":x")).toBeNull();
  });

  it("are each there once, and not with their opposite", () => {
    const search = writeFilters(new URLSearchParams("from=now-1h"), [
      { field: "user", value: "a", out: false }, { field: "user", value: "a", out: false },
    ]);
    expect(search.toString()).toBe("from=now-1h&f=user%3Aa");
    expect(withFilter(readFilters(search), { field: "user", value: "a", out: true })).toEqual([{ field: "user", value: "a", out: true }]);
  });
});

describe("processes", () => {
  it("have a name on both platforms", () => {
    expect(baseName("C:\\Windows\\System32\\svchost.exe")).toBe("svchost.exe");
    expect(baseName("/usr/bin/curl")).toBe("curl");
    expect(baseName("/")).toBe("/");
    expect(baseName(null)).toBe("");
    expect(foldKey("C:\\X\\SvcHost.EXE")).toBe("svchost");
  });

  it("fold where there are enough, but never the attack's", () => {
    const items = ["a", "b", "a", "a!", "a", "b"];
    const folds = foldRepeats(items, (one) => one[0]!, (one) => one.endsWith("!"));
    expect(folds.map((fold) => fold.items)).toEqual([["a", "a", "a"], ["b"], ["b"], ["a!"]]);
  });
});

describe("severity and share", () => {
  it("rank", () => {
    expect(["low", "critical", "none", "high", "medium"].sort((a, b) => severityRank(b) - severityRank(a))).toEqual([
      "critical", "high", "medium", "low", "none",
    ]);
    expect(isSeverity("none")).toBe(false);
  });

  it("have six steps", () => {
    expect([0, 0.01, 0.03, 0.1, 0.2, 0.4, null, NaN].map(shareStep)).toEqual([0, 1, 2, 3, 4, 5, 0, 0]);
    expect(shareToken(0.3)).toBe("--share-5");
  });
});
