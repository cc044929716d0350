// Rows of named cells as a table for people, as CSV or as JSON.

export type Cell = string | number | boolean | undefined;
export type Row = Readonly<Record<string, Cell>>;
export type Format = "table" | "json" | "csv";

export function toText(rows: readonly Row[], format: Format): string {
  if (format === "json") return `${JSON.stringify(rows, null, 2)}\n`;
  return format === "csv" ? csv(rows) : table(rows);
}

/** All rows have the keys of the first one. Numbers are right-aligned and cut to what is read. */
function table(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map(row => names.map(name => shown(row[name])));
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map(row => row[i]!.length)));
  const line = (row: readonly string[], pad: (cell: string, i: number) => string) => row.map(pad).join("  ").trimEnd();
  const numeric = names.map(name => rows.every(row => typeof row[name] !== "string"));
  const pad = (cell: string, i: number) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!));
  return (
    [
      line(names, pad),
      line(
        names.map((_, i) => "-".repeat(widths[i]!)),
        pad,
      ),
      ...cells.map(row => line(row, pad)),
    ].join("\n") + "\n"
  );
}

function shown(cell: Cell): string {
  if (cell === undefined) return "-";
  if (typeof cell !== "number" || Number.isInteger(cell)) return String(cell);
  if (!Number.isFinite(cell)) return "-";
  return Math.abs(cell) >= 100 ? cell.toFixed(0) : Math.abs(cell) >= 10 ? cell.toFixed(1) : cell.toPrecision(3);
}

function csv(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  return [names, ...rows.map(row => names.map(name => row[name]))].map(csvLine).join("\n") + "\n";
}

export function csvLine(cells: readonly Cell[]): string {
  return cells
    .map(cell => {
      const text = cell === undefined || Number.isNaN(cell) ? "" : String(cell);
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(",");
}
