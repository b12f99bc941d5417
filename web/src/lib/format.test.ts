import { describe, expect, it } from "vitest";
import { formatAgo, formatBytes, formatCompact, formatDuration, formatNumber, formatPercent, formatProb, formatTime, formatTotal, plural, words } from "./format";

const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("numbers", () => {
  it.each([
    [0, 0, "0"], [999, 0, "999"], [1000, 0, "1 000"], [1_234_567, 0, "1 234 567"], [-1234.5, 1, "−1 234.5"], [-0.2, 0, "0"],
    [0.456, 2, "0.46"],
  ])("%d with %d digits", (value, digits, text) => expect(plain(formatNumber(value, digits))).toBe(text));

  it("has a dash for what is not there", () => {
    for (const none of [null, undefined, NaN, Infinity]) expect(formatNumber(none)).toBe("–");
  });

  it("shortens for axes", () => {
    expect(plain(formatCompact(999))).toBe("999");
    expect(plain(formatCompact(12_345))).toBe("12.3 k");
    expect(plain(formatCompact(5_000_000))).toBe("5 M");
  });

  it("never rounds a probability to certainty", () => {
    expect(formatProb(0.9963)).toBe(">0.99");
    expect(formatProb(1)).toBe("1.00");
    expect(formatProb(0.0003)).toBe("<0.01");
    expect(formatProb(0)).toBe("0.00");
    expect(formatProb(0.97)).toBe("0.97");
    expect(formatProb(null)).toBe("–");
  });

  it("marks a lower bound", () => expect(plain(formatTotal(10_000, true))).toBe("10 000+"));
  it("has units", () => {
    expect(plain(formatPercent(0.412))).toBe("41 %");
    expect(plain(formatPercent(0))).toBe("0 %");
    expect(plain(formatPercent(0.004))).toBe("<1 %");
    expect(plain(formatPercent(0.0004, 1))).toBe("<0.1 %");
    expect(plain(formatPercent(0.9996))).toBe(">99 %");
    expect(plain(formatPercent(0.99996, 1))).toBe(">99.9 %");
    expect(plain(formatPercent(1))).toBe("100 %");
    expect(plain(formatBytes(1536))).toBe("1.5 KiB");
    expect(plain(formatBytes(13_549_568))).toBe("12.9 MiB");
    expect(plain(plural(1, "alert"))).toBe("1 alert");
    expect(plain(plural(2000, "alert"))).toBe("2 000 alerts");
    expect(words("false_positive")).toBe("false positive");
  });
});

describe("times", () => {
  it.each([
    [0, "0 s"], [0.0047, "4.7 ms"], [0.4, "0.4 s"], [45, "45 s"], [200, "3 m 20 s"], [3600, "1 h"], [187_200, "2 d 4 h"],
    [-90, "−1 m 30 s"], [59.9, "1 m"],
  ])("%d seconds last %s", (value, text) => expect(plain(formatDuration(value))).toBe(text));

  it("says how long ago", () => {
    expect(formatAgo(100, 100.5)).toBe("just now");
    expect(plain(formatAgo(0, 125))).toBe("2 m ago");
    expect(plain(formatAgo(7300, 0))).toBe("in 2 h");
  });

  it("shows the zone's wall clock", () => {
    const at = Date.parse("2026-11-23T23:30:05.120Z") / 1000;
    expect(formatTime(at, "UTC")).toBe("2026-11-23 23:30:05");
    expect(formatTime(at, "UTC", "full")).toBe("2026-11-23 23:30:05.120");
    expect(formatTime(at, "Europe/Berlin", "minutes")).toBe("2026-11-24 00:30");
    expect(formatTime(at, "Europe/Berlin", "day")).toBe("2026-11-24");
    expect(formatTime(null, "UTC")).toBe("–");
    expect(formatTime(1e15, "UTC")).toBe("–");
  });
});
