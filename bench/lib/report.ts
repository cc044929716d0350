// Numbers to text: medians and ranges, a printed table, and CSV rows that say where, when and how they were measured.
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";
import { percentile } from "../../src/cli/bench/statistics.ts";
import { csvLine, type Row } from "../../src/cli/bench/table.ts";

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function spread(values: readonly number[]): Spread {
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
export function circumstances(command: string): Row {
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
export function appendCsv(path: string, rows: readonly Row[]): void {
  const first = rows[0];
  if (!first) return;
  const lines = rows.map(row => csvLine(Object.values(row)));
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) lines.unshift(csvLine(Object.keys(first)));
  appendFileSync(path, lines.join("\n") + "\n");
}
