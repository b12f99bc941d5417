import { expect, it } from "vitest";
import { firstSeen, usual } from "./profile";

const item = (value: string, first_seen: number | null, hours: number, last_hour = 0) => ({ value, first_seen, last_hour, hours });

it("finds what is new in a range, newest first", () => {
  const items = [item("old", 5, 9), item("new", 20, 1), item("newer", 25, 1), item("later", 30, 1), item("unknown", null, 1)];
  expect(firstSeen(items, 10, 30).map((one) => one.value)).toEqual(["newer", "new"]);
});

it("finds what is usual, without changing the list", () => {
  const items = [item("b", 1, 2), item("a", 1, 2), item("c", 1, 7), item("d", 1, 2, 99)];
  expect(usual(items).map((one) => one.value)).toEqual(["c", "d", "a", "b"]);
  expect(items[0]!.value).toBe("b");
});
