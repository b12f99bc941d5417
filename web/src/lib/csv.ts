// CSV that a spreadsheet shows and never runs: RFC 4180 with every cell that could begin a formula
// made text (a leading apostrophe), as OWASP advises.

type Cell = string | number | boolean | null | undefined;

export function csvCell(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  // Spaces before the sign do not stop every spreadsheet, nor do full-width forms of the signs.
  const risky = /^[\s\u0000-\u001f]*[=+\-@＝＋－＠]/u.test(value) || /^[\t\r\n]/.test(value);
  const safe = risky ? `'${value}` : value;
  return /[",\r\n\t]/.test(safe) || risky ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(header: readonly string[], rows: Iterable<readonly Cell[]>): string {
  const lines = [header.map(csvCell).join(",")];
  for (const row of rows) lines.push(row.map(csvCell).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

/** Hands a file to the browser's downloads. */
export function download(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
