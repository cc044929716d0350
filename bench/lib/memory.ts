// Memory of a process and all its descendants, in MB (10^6 bytes).
// RSS counts a page shared by two processes twice; PSS splits it between them. PSS is known on Linux only.
import { readdirSync, readFileSync } from "node:fs";

export interface Memory {
  processes: number;
  rss: number;
  pss: number | undefined;
}

interface Entry {
  pid: number;
  parent: number;
}

export function treeMemory(root: number): Memory {
  return process.platform === "linux" ? linuxMemory(root) : psMemory(root);
}

/** The root and every live descendant of it. */
export function tree(root: number, entries: Entry[]): number[] {
  const found = [root];
  for (const pid of found) found.push(...entries.filter(e => e.parent === pid).map(e => e.pid));
  return found;
}

export function processTree(root: number): number[] {
  return tree(root, process.platform === "linux" ? linuxEntries() : psRows());
}

function linuxEntries(): Entry[] {
  const entries: Entry[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8"); // pid (name) state parent …, and a name may hold anything
      entries.push({ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) });
    } catch {
      continue; // ended since the listing
    }
  }
  return entries;
}

function linuxMemory(root: number): Memory {
  const pids = tree(root, linuxEntries());
  const rollups = pids.map(pid => readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  const sum = (field: string) => rollups.reduce((total, text) => total + kilobytes(text, field), 0) / 1000;
  return { processes: pids.length, rss: sum("Rss"), pss: sum("Pss") };
}

function kilobytes(text: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text);
  if (!match) throw new Error(`no ${field} in smaps_rollup`);
  return Number(match[1]) * 1.024;
}

function psRows(): (Entry & { rss: number })[] {
  const out = Bun.spawnSync(["ps", "-axo", "pid=,ppid=,rss="]).stdout.toString();
  return out
    .trim()
    .split("\n")
    .map(line => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0, rss = 0]) => ({ pid, parent, rss }));
}

function psMemory(root: number): Memory {
  const rows = psRows();
  const pids = new Set(tree(root, rows));
  const rss = rows.filter(r => pids.has(r.pid)).reduce((total, r) => total + r.rss * 1.024, 0) / 1000;
  return { processes: pids.size, rss, pss: undefined };
}
