import { describe, expect, it } from "vitest";
import { leaves } from "./leaves";
import { allOpen, firstOpen, foldId, openTo, processKey, treeModel, treeMove, treeRows, type TreeProcess } from "./proctree";

const make = (image: string, parent: number | null, more: Partial<TreeProcess> = {}): TreeProcess => ({
  parent, image, inferred: false, focus: false, pid: 1, started: null, ...more,
});
const NONE = new Set<number>();

describe("treeModel", () => {
  it("marks what leads to a focus, and nothing else", () => {
    const model = treeModel([make("a", null), make("b", 0), make("c", 1, { focus: true }), make("d", 1), make("e", 2)]);
    expect([...model.path]).toEqual([1, 1, 1, 0, 0]);
    expect([...model.below]).toEqual([4, 3, 1, 0, 0]);
    expect(model.focus).toBe(1);
  });
  it("takes a parent that does not stand before as no parent: no circle", () => {
    const model = treeModel([make("a", 1), make("b", 0), make("c", 2), make("d", 99), make("e", -1)]);
    expect(model.roots).toEqual([0, 2, 3, 4]);
    expect(treeRows(model, allOpen(model))).toHaveLength(5);
  });
  it("sorts siblings by their start", () => {
    const model = treeModel([make("p", null), make("late", 0, { started: 9 }), make("early", 0, { started: 2 })]);
    expect(treeRows(model, new Set([0])).map((row) => model.processes[row.at]!.image)).toEqual(["p", "early", "late"]);
  });
});

describe("treeRows", () => {
  const hosts = treeModel([
    make("services.exe", null),
    make("C:\\Windows\\svchost.exe", 0), make("C:\\WINDOWS\\SVCHOST.EXE", 0), make("svchost", 0), make("svchost.exe", 0, { focus: true }),
    make("lsass.exe", 0), make("child.exe", 2),
  ]);
  it("folds siblings of one name, apart from the attack path", () => {
    const rows = treeRows(hosts, new Set([0]));
    expect(rows.map((row) => [row.kind, row.count, row.at, row.depth])).toEqual([
      ["process", 1, 0, 0], ["fold", 3, 1, 1], ["process", 1, 4, 1], ["process", 1, 5, 1],
    ]);
    expect(rows.slice(1).map((row) => [row.position, row.siblings])).toEqual([[1, 3], [2, 3], [3, 3]]);
  });
  it("does not fold two", () => {
    const two = treeModel([make("x", null), make("x", null)]);
    expect(treeRows(two, NONE).every((row) => row.kind === "process")).toBe(true);
  });
  it("opens a fold, and a process in it", () => {
    const rows = treeRows(hosts, new Set([0, foldId(1), 2]));
    expect(rows.map((row) => [row.at, row.depth, row.up])).toEqual([
      [0, 0, -1], [1, 1, 0], [1, 2, foldId(1)], [2, 2, foldId(1)], [6, 3, 2], [3, 2, foldId(1)], [4, 1, 0], [5, 1, 0],
    ]);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  });
  it("can show the attack path alone", () => {
    const rows = treeRows(hosts, allOpen(hosts), true);
    expect(rows.map((row) => row.at)).toEqual([0, 4]);
    expect(rows[1]!.children).toBe(false);
  });
  it("shows ten thousand of any depth and breadth at once", () => {
    const deep = treeModel(Array.from({ length: 10_000 }, (_, at) => make(`p${at}`, at ? at - 1 : null)));
    expect(treeRows(deep, allOpen(deep))).toHaveLength(10_000);
    const wide = treeModel(Array.from({ length: 10_000 }, (_, at) => make("svchost.exe", at ? 0 : null)));
    expect(treeRows(wide, new Set([0]))).toHaveLength(2);
    const before = performance.now();
    treeRows(wide, allOpen(wide));
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe("what is open", () => {
  it("small trees wholly, large ones along the path", () => {
    const small = treeModel([make("a", null), make("b", 0), make("c", 1)]);
    expect(firstOpen(small)).toEqual(new Set([0, 1]));
    const large = treeModel([
      make("root", null), make("bad", 0, { focus: true }), make("kid", 1), make("quiet", 0), make("kid", 3),
      ...Array.from({ length: 100 }, (_, at) => make(`n${at}`, 0)),
    ]);
    expect(firstOpen(large)).toEqual(new Set([0, 1]));
  });
  it("opens folds and parents above one", () => {
    const model = treeModel([make("p", null), make("x", 0), make("x", 0), make("x", 0), make("y", 2)]);
    const rows = treeRows(model, openTo(model, NONE, 4));
    expect(rows.some((row) => row.id === 4)).toBe(true);
  });
});

describe("treeMove", () => {
  const model = treeModel([make("a", null), make("b", 0), make("c", 1), make("d", null)]);
  const rows = treeRows(model, new Set([0]));
  it("goes as trees do", () => {
    expect(rows.map((row) => row.at)).toEqual([0, 1, 3]);
    expect(treeMove(rows, 0, "ArrowRight", 5)).toEqual({ active: 1 });
    expect(treeMove(rows, 1, "ArrowRight", 5)).toEqual({ open: 1 });
    expect(treeMove(rows, 2, "ArrowRight", 5)).toBeNull();
    expect(treeMove(rows, 1, "ArrowLeft", 5)).toEqual({ active: 0 });
    expect(treeMove(rows, 0, "ArrowLeft", 5)).toEqual({ close: 0 });
    expect(treeMove(rows, 0, "PageDown", 5)).toEqual({ active: 2 });
    expect(treeMove(rows, 0, "ArrowUp", 5)).toEqual({ active: 0 });
    expect(treeMove([], 0, "ArrowRight", 5)).toBeNull();
  });
});

it("names a process by its identity, else by pid and start", () => {
  expect(processKey(make("a", null, { process_guid: "g" }))).toBe("g");
  expect(processKey(make("a", null, { pid: 7, started: 1.5 }))).toBe("7@1.5");
});

describe("leaves", () => {
  const event = (event_type: string, data: Record<string, unknown>, timestamp = 1) => ({ event_id: `${timestamp}`, event_type, timestamp, data });
  it("counts the same target once, first time first", () => {
    const got = leaves([
      event("file_create", { target_filename: "C:\\x" }, 5), event("file_create", { target_filename: "C:\\x" }, 3),
      event("network_connect", { destination_ip: "::1", destination_port: 443 }, 1), event("process_access", { target_image: "lsass" }, 1),
      event("registry_value_set", { target_object: "HKLM\\Run" }, 9), event("file_create", {}, 1),
    ]);
    expect(got.map((one) => [one.kind, one.value, one.port, one.count, one.first])).toEqual([
      ["network", "::1", "443", 1, 1], ["file", "C:\\x", "", 2, 3], ["registry", "HKLM\\Run", "", 1, 9],
    ]);
    expect(got[0]!.field).toBe("ip");
  });
  it("finds names asked for by their field", () => {
    expect(leaves([event("dns_query", { query_name: "evil.example" })])[0]).toMatchObject({ kind: "network", value: "evil.example", field: "query_name" });
  });
});
