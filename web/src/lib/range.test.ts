import { describe, expect, it } from "vitest";
import { describeRange, evenParts, formatPoint, moveRange, parsePoint, parseWall, resolveRange, validZone, zoneOffset } from "./range";

const NOW = 1_795_456_500;

describe("points in time", () => {
  it.each([
    ["now", NOW], ["now-30m", NOW - 1800], ["now-2d", NOW - 172_800], [" now-5s ", NOW - 5],
    ["1795456500.25", 1_795_456_500.25], ["0", 0],
    ["2026-11-23T17:55:00Z", NOW], ["2026-11-23T18:55:00+01:00", NOW], ["2026-11-23T17:55Z", NOW],
  ])("%s", (text, seconds) => expect(parsePoint(text, NOW)).toBe(seconds));

  it.each(["", "yesterday", "now-", "now+1h", "now-1w", "2026-11-23", "2026-13-01T00:00:00Z", "1e9", "-5", "999999999999"])(
    "refuses %j",
    (text) => expect(parsePoint(text, NOW)).toBeNull(),
  );

  it("writes what it reads", () => {
    expect(formatPoint(NOW)).toBe("2026-11-23T17:55:00Z");
    expect(parsePoint(formatPoint(NOW + 0.25), NOW)).toBe(NOW + 0.25);
  });
});

describe("ranges", () => {
  it("needs a beginning before the end", () => {
    expect(resolveRange("now-1h", "now", NOW)).toEqual({ from: NOW - 3600, to: NOW });
    expect(resolveRange("now", "now-1h", NOW)).toBeNull();
    expect(resolveRange("now", "now", NOW)).toBeNull();
    expect(resolveRange("nonsense", "now", NOW)).toBeNull();
  });

  it("moves by its own length and widens around its middle", () => {
    expect(moveRange({ from: 100, to: 200 }, -1)).toEqual({ from: 0, to: 100 });
    expect(moveRange({ from: 100, to: 200 }, 1)).toEqual({ from: 200, to: 300 });
    expect(moveRange({ from: 100, to: 200 }, 0)).toEqual({ from: 50, to: 250 });
  });

  it("is described in words where it has some", () => {
    const show = (seconds: number) => String(seconds);
    expect(describeRange("now-24h", "now", show, NOW)).toBe("Last 24 hours");
    expect(describeRange("now-3h", "now", show, NOW)).toBe("Last 3 hours");
    expect(describeRange("now-1d", "now", show, NOW)).toBe("Last 1 day");
    expect(describeRange("100", "200", show, NOW)).toBe("100 – 200");
    expect(describeRange("100", "now", show, NOW)).toBe("100 – now");
    expect(describeRange("x", "now", show, NOW)).toBe("Time range not valid");
  });
});

describe("zones", () => {
  it("knows summer time", () => {
    expect(zoneOffset(1_795_456_500, "Europe/Berlin")).toBe(3600);
    expect(zoneOffset(1_780_000_000, "Europe/Berlin")).toBe(7200);
    expect(zoneOffset(1_780_000_000, "Asia/Kolkata")).toBe(19_800);
  });

  it("reads a wall clock on both sides of a change", () => {
    expect(parseWall("2026-11-23 18:55", "Europe/Berlin")).toBe(NOW);
    expect(parseWall("2026-03-29 01:59:59", "Europe/Berlin")).toBe(Date.parse("2026-03-29T00:59:59Z") / 1000);
    expect(parseWall("2026-03-29 03:00:00", "Europe/Berlin")).toBe(Date.parse("2026-03-29T01:00:00Z") / 1000);
    expect(parseWall("2026-11-23", "UTC")).toBe(Date.parse("2026-11-23T00:00:00Z") / 1000);
  });

  it.each(["2026-02-30 10:00", "2026-11-23 25:00", "23.11.2026", ""])("refuses %j", (text) =>
    expect(parseWall(text, "UTC")).toBeNull(),
  );

  it("knows which zones there are", () => {
    expect(validZone("Europe/Berlin")).toBe(true);
    expect(validZone("Europe/Atlantis")).toBe(false);
  });
});

describe("evenParts", () => {
  it("cuts into parts of a length that people count in", () => {
    const parts = (seconds: number) => evenParts({ from: 1000, to: 1000 + seconds });
    expect([parts(3600), parts(86_400), parts(604_800), parts(1800)]).toEqual([60, 96, 84, 60]);
    expect(parts(1e12)).toBe(100);
    expect(evenParts(null)).toBe(96);
  });
});
