// Text from outside as an analyst may safely read it: what would be invisible, reorder the line or
// is no character at all becomes a visible mark. Nothing here makes HTML; the marks are pieces.

export interface Piece {
  text: string;
  /** What the mark stands for; absent: plain text. */
  mark?: string;
}

const CONTROL_NAMES: Record<number, string> = {
  0x00: "NUL", 0x07: "BEL", 0x08: "backspace", 0x09: "tab", 0x0a: "line feed", 0x0b: "vertical tab",
  0x0c: "form feed", 0x0d: "carriage return", 0x1b: "escape", 0x7f: "delete",
};

const NAMES: Record<number, string> = {
  0x00ad: "soft hyphen", 0x061c: "Arabic letter mark", 0x180e: "Mongolian vowel separator",
  0x200b: "zero-width space", 0x200c: "zero-width non-joiner", 0x200d: "zero-width joiner",
  0x200e: "left-to-right mark", 0x200f: "right-to-left mark", 0x2028: "line separator",
  0x2029: "paragraph separator", 0x202a: "left-to-right embedding", 0x202b: "right-to-left embedding",
  0x202c: "pop directional formatting", 0x202d: "left-to-right override", 0x202e: "right-to-left override",
  0x2060: "word joiner", 0x2066: "left-to-right isolate", 0x2067: "right-to-left isolate",
  0x2068: "first strong isolate", 0x2069: "pop directional isolate", 0xfeff: "byte order mark",
  0xfffd: "replaced: the bytes were no valid text",
};

function hex(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The mark that stands for a code point, or null where it may be shown as it is. */
function markOf(code: number): Piece | null {
  if (code < 0x20 || code === 0x7f) {
    // Unicode's own pictures of control characters: ␛ for escape.
    const picture = String.fromCodePoint(code === 0x7f ? 0x2421 : 0x2400 + code);
    return { text: picture, mark: `${hex(code)} ${CONTROL_NAMES[code] ?? "control character"}` };
  }
  const hidden =
    (code >= 0x80 && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) || (code >= 0xd800 && code <= 0xdfff) || (code >= 0xfff0 && code <= 0xfffd) ||
    (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe || (code >= 0xe0000 && code <= 0xe0fff) ||
    (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0x1d173 && code <= 0x1d17a) || (code >= 0xe000 && code <= 0xf8ff) ||
    code === 0xad || code === 0x34f || code === 0x61c || code === 0x115f || code === 0x1160 || code === 0x17b4 ||
    code === 0x17b5 || (code >= 0x180b && code <= 0x180f) || code === 0x2800 || code === 0x3164 || code === 0xfeff ||
    code === 0xffa0;
  if (!hidden) return null;
  const surrogate = code >= 0xd800 && code <= 0xdfff ? "half of a character" : undefined;
  return { text: `‹${hex(code)}›`, mark: `${hex(code)} ${surrogate ?? NAMES[code] ?? "invisible or undefined character"}` };
}

/** Cuts text into plain pieces and marks; looks at no more than `max` characters. */
export function pieces(value: string, max = 2000): { pieces: Piece[]; cut: number } {
  const found: Piece[] = [];
  let plain = "";
  let at = 0;
  let seen = 0;
  while (at < value.length && seen < max) {
    const code = value.codePointAt(at)!;
    const width = code > 0xffff ? 2 : 1;
    const mark = markOf(code);
    if (mark) {
      if (plain) found.push({ text: plain });
      plain = "";
      found.push(mark);
    } else {
      plain += value.slice(at, at + width);
    }
    at += width;
    seen++;
  }
  if (plain) found.push({ text: plain });
  return { pieces: found, cut: value.length - at };
}

/** The same as one string: for labels of charts, titles, and whatever draws no elements. */
export function plainText(value: string, max = 200): string {
  const got = pieces(value, max);
  return got.pieces.map((piece) => piece.text).join("") + (got.cut ? "…" : "");
}

/** Keeps both ends of a path, cut at a separator where one is near: C:\Users\…\d.dmp. */
export function middleEllipsis(value: string, max: number): string {
  const letters = value.length > max * 4 ? [...value.slice(0, max * 2), ...value.slice(-max * 2)] : [...value];
  if (letters.length <= max && letters.length === [...value].length) return value;
  const room = Math.max(2, max - 1);
  let tail = Math.ceil(room * 0.6);
  const head = room - tail;
  const end = letters.slice(-tail);
  // Begin the tail at a separator: half a folder's name says nothing.
  const separator = end.findIndex((letter) => letter === "\\" || letter === "/");
  if (separator > 0 && separator < tail * 0.6) tail -= separator;
  const start = letters.slice(0, head);
  const last = Math.max(start.lastIndexOf("\\"), start.lastIndexOf("/"));
  const kept = last > 1 && last >= head * 0.4 ? start.slice(0, last + 1) : start;
  return `${kept.join("")}…${letters.slice(-tail).join("")}`;
}

/** The longest part of a text that the platform takes as a parameter: it refuses control characters. */
export function searchPart(text: string): string {
  return text.split(/[\u0000-\u001f\u007f-\u009f]/).reduce((best, part) => (part.length > best.length ? part : best), "");
}
