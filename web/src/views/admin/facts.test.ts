import { expect, it } from "vitest";
import { flatFacts } from "./facts";

it("flattens, shortens figures, joins plain lists", () => {
  expect(flatFacts({ test: { auc: 0.99312345, n: 12 }, seeds: [1, 2], note: null })).toEqual([
    ["test.auc", "0.99312"], ["test.n", "12"], ["seeds", "1, 2"], ["note", "null"],
  ]);
});

it("is bounded in number and depth", () => {
  expect(flatFacts(Object.fromEntries(Array.from({ length: 999 }, (_, at) => [at, at])), 20)).toHaveLength(20);
  let deep: unknown = 1;
  for (let at = 0; at < 100; at++) deep = { deep };
  expect(flatFacts(deep)).toHaveLength(1);
  expect(flatFacts(null)).toEqual([]);
});
