import { describe, expect, it } from "vitest";
import type { WindowGraph } from "@/api/graph";
import { mergedLinks, nodeFilter, sharesOf, shortName, topNodes } from "./windowgraph";

const graph = (count: number, edges: Array<[number, number, string?, number?]>, processes: number[] = []): WindowGraph => ({
  tenant_id: "t", endpoint_id: "e", window_start: 0, window_end: 180, events: 1,
  nodes: Array.from({ length: count }, (_, at) => ({ type: processes.includes(at) ? "process" : "file", name: `n${at}` })),
  edges: edges.map(([source, target, type = "open", times = 1]) => ({ source, target, type, count: times, first_seen: source + 10 })),
});

describe("topNodes", () => {
  it("takes all where there is room", () => {
    expect(topNodes(graph(3, []), new Map(), 5)).toEqual([0, 1, 2]);
  });
  it("takes shares first, then processes around them, then what is around those", () => {
    const made = graph(8, [[5, 1], [5, 2], [2, 3], [6, 7]], [2]);
    expect(topNodes(made, new Map([[5, 0.9]]), 1)).toEqual([5]);
    expect(topNodes(made, new Map([[5, 0.9]]), 2)).toEqual([2, 5]);
    expect(topNodes(made, new Map([[5, 0.9]]), 4)).toEqual([1, 2, 3, 5]);
  });
  it("without shares takes what has most edges", () => {
    expect(topNodes(graph(5, [[4, 0], [4, 1], [4, 2]]), new Map(), 1)).toEqual([4]);
  });
  it("bears edges and evidence that name no node", () => {
    expect(topNodes(graph(3, [[0, 99], [7, 1]]), new Map([[50, 1]]), 2)).toHaveLength(2);
  });
});

it("makes one link of a pair, with what happened most first", () => {
  const links = mergedLinks(graph(3, [[0, 1, "value_set", 2], [0, 1, "key_create"], [1, 0], [0, 2]]).edges, new Set([0, 1]));
  expect(links.map((one) => [one.source, one.target, one.label, one.count])).toEqual([
    [0, 1, "value set ×2, key create", 3], [1, 0, "open", 1],
  ]);
  expect(links[0]!.first).toBe(10);
});

it("reads shares by node", () => {
  expect([...sharesOf([{ node: 3, share: 0.5 }, { share: 0.1 }])]).toEqual([[3, 0.5]]);
  expect(sharesOf(undefined).size).toBe(0);
});

it("calls nodes as people do", () => {
  expect(shortName({ type: "process", name: "c:\\x\\<user>.exe", raw: "C:\\x\\anna.exe" })).toBe("anna.exe");
  expect(shortName({ type: "registry", name: "hklm\\a\\b\\run" })).toBe("b\\run");
  expect(shortName({ type: "network", name: "10.0.0.1:443" })).toBe("10.0.0.1:443");
});

it("finds a node's events by their field, addresses without their port", () => {
  expect(nodeFilter("file", "C:\\x")).toEqual({ field: "target_filename", value: "C:\\x" });
  expect(nodeFilter("network", "10.0.0.1:443").value).toBe("10.0.0.1");
  expect(nodeFilter("network", "[fe80::1]:443").value).toBe("fe80::1");
  expect(nodeFilter("network", "fe80::1").value).toBe("fe80::1");
});
