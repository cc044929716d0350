// Numbers to text: medians and ranges, a printed table, and CSV rows that say where, when and how they were measured.
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export type Cell = string | number | undefined;

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  if (high === undefined) throw new Error("median of nothing");
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}

export function spread(values: number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Three significant digits, without an exponent. */
export function short(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
}

export function shortSpread(s: Spread): string {
  return `${short(s.median)} (${short(s.min)}–${short(s.max)})`;
}

export function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map(w => "-".repeat(w + 2)).join("|")}|`;
  return rows.flatMap((row, i) => (i === 0 ? [line(row), rule] : [line(row)])).join("\n");
}

/** What every row of every results file starts with. Never a host name, a user or a path. */
export function circumstances(command: string): Record<string, Cell> {
  const run = (...argv: string[]) => Bun.spawnSync(argv).stdout.toString().trim();
  const changed = run("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "shim") !== "";
  return {
    date: new Date().toISOString().slice(0, 16) + "Z",
    commit: run("git", "rev-parse", "--short=10", "HEAD") + (changed ? "+" : ""),
    system: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0]?.toFixed(2),
    command,
  };
}

/** Appends rows; all rows of one file have the same columns, which its first line names. */
export function appendCsv(path: string, rows: Record<string, Cell>[]): void {
  const first = rows[0];
  if (!first) return;
  const escape = (cell: Cell) => (/[",\n]/.test(String(cell ?? "")) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell ?? ""));
  const lines = rows.map(row => Object.values(row).map(escape).join(","));
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) lines.unshift(Object.keys(first).join(","));
  appendFileSync(path, lines.join("\n") + "\n");
}
