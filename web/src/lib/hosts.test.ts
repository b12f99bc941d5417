import { describe, expect, it } from "vitest";
import { hostRows, keepHosts, sortHosts, type HostRow } from "./hosts";

const host = (endpoint_id: string, more: Partial<HostRow> = {}): HostRow => ({
  tenant_id: "t", endpoint_id, hostname: `${endpoint_id}.corp`, platform: "windows", last_seen: 1, total_inferences: 3, total_attacks: 1, total_errors: 0,
  max_attack_prob: 0.5, last_attack_prob: 0.1, alerts_total: 0, alerts_active: 0, worst_active_severity: null, silent: false, ...more,
});
const names = (rows: readonly HostRow[]) => rows.map((row) => row.endpoint_id);

it("adds silent hosts without their old figures", () => {
  const rows = hostRows([host("a")], [host("a"), host("b", { max_attack_prob: 0.99 }), host("a", { tenant_id: "u" })]);
  expect(rows.map((row) => [row.tenant_id, row.endpoint_id, row.silent, row.max_attack_prob])).toEqual([
    ["t", "a", false, 0.5], ["t", "b", true, 0], ["u", "a", true, 0],
  ]);
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

it("sorts by what is asked, silent hosts last by probability, equal ones by name", () => {
  const rows = [host("b"), host("s", { silent: true }), host("a"), host("z", { max_attack_prob: 0.9, last_seen: 9 })];
  expect(names(sortHosts(rows, "max_attack_prob", "desc"))).toEqual(["z", "a", "b", "s"]);
  expect(names(sortHosts(rows, "endpoint_id", "desc"))).toEqual(["z", "s", "b", "a"]);
  expect(names(sortHosts(rows, "last_seen", "asc"))[3]).toBe("z");
});
