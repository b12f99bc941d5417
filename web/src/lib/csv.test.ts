import { describe, expect, it } from "vitest";
import { csvCell, toCsv } from "./csv";

describe("CSV", () => {
  it.each(["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "  =1", "\t=1", "\r=1", "＝1"])("makes %j text", (text) =>
    expect(csvCell(text)).toMatch(/^"'/),
  );

  it("keeps numbers numbers", () => {
    expect(csvCell(-5)).toBe("-5");
    expect(csvCell(null)).toBe("");
    expect(csvCell(true)).toBe("true");
  });

  it("quotes as RFC 4180 says", () => {
    expect(csvCell('a "b", c')).toBe('"a ""b"", c"');
    expect(csvCell("two\nlines")).toBe('"two\nlines"');
    expect(toCsv(["a", "b"], [["x", 1], [undefined, "y"]])).toBe("a,b\r\nx,1\r\n,y\r\n");
  });
});
