import { describe, expect, it } from "vitest";
import { hostRow, keepHosts, type HostRow } from "./hosts";

const host = (endpoint_id: string, more: Partial<HostRow> = {}): HostRow => ({
  tenant_id: "t", endpoint_id, hostname: `${endpoint_id}.corp`, platform: "windows", last_seen: 1, total_inferences: 3, total_attacks: 1, total_errors: 0,
  max_attack_prob: 0.5, last_attack_prob: 0.1, alerts_total: 0, alerts_active: 0, worst_active_severity: null, silent: false, ...more,
});
const names = (rows: readonly HostRow[]) => rows.map((row) => row.endpoint_id);

it("takes a host without a verdict for silent", () => {
  expect(hostRow(host("a")).silent).toBe(false);
  expect(hostRow(host("a", { total_inferences: 0 })).silent).toBe(true);
});

describe("keepHosts", () => {
  const rows = [host("web1"), host("web2", { platform: "linux" }), host("db", { worst_active_severity: "high" })];
  const filter = (field: string, value: string, out = false) => ({ field, value, out });
  it("filters for, out, with wild cards, in any case", () => {
    expect(names(keepHosts(rows, [filter("host", "WEB*")]))).toEqual(["web1", "web2"]);
    expect(names(keepHosts(rows, [filter("host", "web1.corp", true)]))).toEqual(["web2", "db"]);
    expect(names(keepHosts(rows, [filter("host", "web1"), filter("host", "db")]))).toEqual(["web1", "db"]);
    expect(names(keepHosts(rows, [filter("host", "web*"), filter("platform", "linux")]))).toEqual(["web2"]);
    expect(names(keepHosts(rows, [filter("severity", "high")]))).toEqual(["db"]);
    expect(names(keepHosts(rows, [filter("user", "x")]))).toHaveLength(3);
  });
  it("takes signs of patterns as they are", () => {
    expect(keepHosts(rows, [filter("host", "web.")])).toEqual([]);
    expect(keepHosts(rows, [filter("host", "((")])).toEqual([]);
  });
});
