import { describe, expect, it } from "vitest";
import { middleEllipsis, pieces, plainText, searchPart } from "./safetext";

const shown = (value: string) => plainText(value, 10_000);

describe("hostile text", () => {
  it("leaves ordinary text alone, HTML too: nothing reads it as such", () => {
    for (const text of ["C:\\Windows\\svchost.exe", "<img src=x onerror=alert(1)>", "naïve 日本語 😀 مرحبا"]) {
      expect(pieces(text)).toEqual({ pieces: [{ text }], cut: 0 });
    }
  });

  it("shows control characters", () => {
    expect(shown("a\u001b[31mb")).toBe("a␛[31mb");
    expect(shown("a\u0000b\u007f")).toBe("a␀b␡");
    expect(shown("one\r\ntwo\t")).toBe("one␍␊two␉");
  });

  it("shows what turns the direction or is invisible", () => {
    expect(shown("exe.\u202egnp")).toBe("exe.‹U+202E›gnp");
    expect(shown("a\u200bb\ufeffc\u2066d")).toBe("a‹U+200B›b‹U+FEFF›c‹U+2066›d");
    expect(shown("\u00ad\u3164\u{e0041}")).toBe("‹U+00AD›‹U+3164›‹U+E0041›");
  });

  it("shows halves of characters and replaced bytes", () => {
    expect(shown("a\ud800b")).toBe("a‹U+D800›b");
    expect(shown("\udc00\ufffd")).toBe("‹U+DC00›‹U+FFFD›");
    expect(pieces("\ufffd").pieces[0]!.mark).toContain("no valid text");
  });

  it("is bounded, by whole characters", () => {
    const long = pieces("x".repeat(10_000), 500);
    expect(long.pieces[0]!.text).toHaveLength(500);
    expect(long.cut).toBe(9500);
    expect(pieces("😀😀😀", 2).pieces[0]!.text).toBe("😀😀");
    expect(plainText("abc", 2)).toBe("ab…");
  });
});

describe("both ends of a path", () => {
  it("keeps what fits", () => expect(middleEllipsis("C:\\a.exe", 20)).toBe("C:\\a.exe"));

  it("cuts at folders", () => {
    const cut = middleEllipsis("C:\\Users\\Anna Long Name\\AppData\\Local\\Temp\\deep\\d.dmp", 28);
    expect(cut).toMatch(/^C:\\Users\\…\\.*d\.dmp$/);
    expect([...cut].length).toBeLessThanOrEqual(28);
  });

  it("is bounded for text without folders and of any length", () => {
    expect([...middleEllipsis("a".repeat(10_000), 40)].length).toBeLessThanOrEqual(40);
    expect([...middleEllipsis("😀".repeat(50), 10)].length).toBeLessThanOrEqual(10);
  });
});

describe("searchPart", () => {
  it("is the text where nothing in it is refused", () => expect(searchPart("C:\\a b.exe")).toBe("C:\\a b.exe"));
  it("is the longest part between control characters", () => expect(searchPart("a\u001b[31mred\u0007\u0085bb")).toBe("[31mred"));
  it("is empty where there is nothing else", () => expect(searchPart("\u0000\u0001")).toBe(""));
});
