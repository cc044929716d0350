// The import graph of the project's own files, read from every import line. Type-only imports count too: they are a dependency of the reader.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export const root = resolve(import.meta.dir, "../..");

export interface Import {
  readonly line: number;
  readonly from: string; // as written
  readonly path: string | undefined; // relative to the repository root; undefined for a package
}

const statement = /^(?:import|export)\b[^;"'`]*?(?:\bfrom\s*)?["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']\s*\)/gm;

/** Every import of a source text, in order. Relies on the formatter: statements begin their line and quotes are plain. */
export function readImports(text: string, file: string): Import[] {
  const imports: Import[] = [];
  for (const match of text.matchAll(statement)) {
    const before = text.slice(text.lastIndexOf("\n", match.index) + 1, match.index);
    if (before.includes("//") || /^\s*\*/.test(before)) continue;
    const from = match[1] ?? match[2] ?? "";
    const path = from.startsWith(".") ? relative(root, resolve(root, dirname(file), from)) : undefined;
    imports.push({ line: text.slice(0, match.index).split("\n").length, from, path });
  }
  return imports;
}

/** All TypeScript files under some folders, relative to the root, sorted. */
export function sourceFiles(...folders: string[]): string[] {
  return folders
    .filter(folder => existsSync(join(root, folder)))
    .flatMap(folder => [...new Bun.Glob("**/*.ts").scanSync(join(root, folder))].map(name => join(folder, name)))
    .sort();
}

/** The imports of each file under `src` and `test`, read once. */
export function importGraph(): Map<string, Import[]> {
  return new Map(sourceFiles("src", "test").map(file => [file, readImports(readFileSync(join(root, file), "utf8"), file)]));
}

/** A shortest chain of files from `start` to one that `wanted` accepts, or undefined. */
export function chainTo(graph: Map<string, Import[]>, start: string, wanted: (file: string) => boolean): string[] | undefined {
  const chains = [[start]];
  const seen = new Set([start]);
  for (const chain of chains) {
    for (const { path } of graph.get(chain.at(-1) ?? "") ?? []) {
      if (path === undefined || seen.has(path)) continue;
      if (wanted(path)) return [...chain, path];
      seen.add(path);
      chains.push([...chain, path]);
    }
  }
  return undefined;
}
