// Who may import whom. Every import line under src is read, type imports included, and each rule lists what breaks it.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { serveOptions } from "../src/config.ts";
import { chainTo, importGraph, readImports, root, sourceFiles } from "./helpers/imports.ts";

const graph = importGraph();
const files = [...graph.keys()].filter(file => file.startsWith("src/"));
const text = new Map(files.map(file => [file, readFileSync(join(root, file), "utf8")]));
const folder = (file: string) => file.split("/")[1] ?? "";

/** Files outside the allowed places that import a package. */
function importersOf(wanted: (from: string) => boolean, allowed: (file: string) => boolean): string[] {
  return files
    .filter(file => !allowed(file))
    .flatMap(file => graph.get(file)!.flatMap(({ from, line }) => (wanted(from) ? [`${file}:${line} imports ${from}`] : [])));
}

function usersOf(pattern: RegExp, allowed: (file: string) => boolean): string[] {
  const code = (file: string) =>
    text
      .get(file)!
      .split("\n")
      .map(line => line.replace(/\/\/.*/, ""));
  return files
    .filter(file => !allowed(file))
    .flatMap(file => code(file).flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])));
}

function reachable(starts: readonly string[]): Set<string> {
  const seen = new Set(starts);
  for (const file of seen) for (const { path } of graph.get(file) ?? []) if (path !== undefined) seen.add(path);
  return seen;
}

test("imports are read from every form of statement and not from comments", () => {
  const source = [
    'import a from "./a.ts";',
    "import {",
    "  b,",
    '} from "../b.ts";',
    'import "c";',
    '// import d from "d";',
    'export { e } from "./e.ts";',
    'const f = await import("./f.ts");',
  ];
  expect(readImports(source.join("\n"), "src/x/y.ts").map(({ line, path, from }) => [line, path ?? from])).toEqual([
    [1, "src/x/a.ts"],
    [2, "src/b.ts"],
    [5, "c"],
    [7, "src/x/e.ts"],
    [8, "src/x/f.ts"],
  ]);
});

test("every relative import names a file that exists", () => {
  const missing = files.flatMap(file =>
    graph.get(file)!.flatMap(({ path, line }) => (path !== undefined && !existsSync(join(root, path)) ? [`${file}:${line} ${path}`] : [])),
  );
  expect(missing).toEqual([]);
});

describe("rule 1", () => {
  test("only mx imports bun:ffi", () => {
    expect(
      importersOf(
        from => from === "bun:ffi",
        file => folder(file) === "mx",
      ),
    ).toEqual([]);
  });

  test("only http imports elysia", () => {
    expect(
      importersOf(
        from => from === "elysia" || from.startsWith("@elysiajs/"),
        file => folder(file) === "http",
      ),
    ).toEqual([]);
  });

  test("only cli and main.ts read argv", () => {
    expect(usersOf(/\bprocess\.argv\b|\bBun\.argv\b/, file => folder(file) === "cli" || file === "src/main.ts")).toEqual([]);
  });

  test("only config.ts reads the environment", () => {
    expect(usersOf(/\bprocess\.env\b|\bBun\.env\b|\bimport\.meta\.env\b/, file => file === "src/config.ts")).toEqual([]);
  });
});

describe("rule 2", () => {
  const pure = new Set(["scheduler", "cache", "grammar", "parsers", "tokenizer", "media", "api", "chat", "retrieval", "http", "mcp"]);

  test("pure folders never reach mx, not even through others", () => {
    const chains = files.filter(file => pure.has(folder(file))).map(file => chainTo(graph, file, path => path.startsWith("src/mx/")));
    expect(chains.flatMap(chain => (chain ? [chain.join(" -> ")] : []))).toEqual([]);
  });

  test("util imports nothing of the project but util", () => {
    const strays = files
      .filter(file => folder(file) === "util")
      .flatMap(file => graph.get(file)!.filter(({ path }) => path !== undefined && !path.startsWith("src/util/")));
    expect(strays).toEqual([]);
  });
});

test("rule 3: the HTTP process and the engine processes share only engine/protocol.ts and util", () => {
  const engine = reachable(["src/engine/process.ts", "src/embeddings/process.ts"].filter(file => graph.has(file)));
  const http = reachable(
    files.filter(
      file => ["http", "api", "chat", "retrieval", "parsers", "tokenizer", "mcp"].includes(folder(file)) || /engine\/.*client\.ts$/.test(file),
    ),
  );
  const shared = [...engine].filter(file => http.has(file) && folder(file) !== "util");
  expect(shared.filter(file => file !== "src/engine/protocol.ts")).toEqual([]);
  expect(readFileSync(join(root, "src/engine/protocol.ts"), "utf8")).not.toMatch(/^(import|export (const|function|class|let))/m);
});

describe("rule 4", () => {
  const plumbing = new Set(["src/models/convert.ts", "src/models/registry.ts", "src/models/load.ts", "src/models/model.ts"]);
  const models = files.filter(file => folder(file) === "models" && !plumbing.has(file));
  const parents = (file: string) =>
    new Set((graph.get(file) ?? []).flatMap(({ path }) => (path !== undefined && models.includes(path) ? [path] : [])));

  test("a model imports mx, nn, kv, weights, models/model.ts and its family parent", () => {
    const allowed = (path: string | undefined) =>
      path === undefined || ["mx", "nn", "kv", "weights"].includes(folder(path)) || path === "src/models/model.ts" || models.includes(path);
    const strays = models.flatMap(file => graph.get(file)!.flatMap(({ path, line }) => (allowed(path) ? [] : [`${file}:${line} imports ${path}`])));
    expect(strays).toEqual([]);
  });

  test("a model has one family parent at most, and a parent has none", () => {
    const wrong = models.filter(file => parents(file).size > 1 || [...parents(file)].some(parent => parents(parent).size > 0));
    expect(wrong).toEqual([]);
  });

  test("the API dialects do not import each other", () => {
    const dialect = (file: string) => (file.startsWith("src/api/") && file.split("/").length > 3 ? file.split("/")[2] : undefined);
    const strays = files.flatMap(file =>
      graph
        .get(file)!
        .flatMap(({ path }) => (path && dialect(file) && dialect(path) && dialect(file) !== dialect(path) ? [`${file} imports ${path}`] : [])),
    );
    expect(strays).toEqual([]);
  });
});

describe("rule 5", () => {
  test("there are no cycles", () => {
    const cycles = files.flatMap(file => chainTo(graph, file, path => path === file)?.join(" -> ") ?? []);
    expect(cycles).toEqual([]);
  });

  test("there are no default exports", () => {
    expect(usersOf(/^export default\b|\bas default\b/, () => false)).toEqual([]);
  });

  test("there are no barrel files but mx/index.ts and nn/index.ts", () => {
    const barrels = files.filter(
      file => (text.get(file)!.match(/^export .* from "\.{1,2}\/[^"]*\.ts";$/gm)?.length ?? 0) > 1 || file.endsWith("/index.ts"),
    );
    expect(barrels.filter(file => file !== "src/mx/index.ts" && file !== "src/nn/index.ts")).toEqual([]);
  });
});

describe("nothing is left over", () => {
  const all = new Map(sourceFiles("src", "test", "bench", "mini").map(file => [file, text.get(file) ?? readFileSync(join(root, file), "utf8")]));
  const mentions = (file: string, name: string) => new RegExp(`\\b${name}\\b`).test(all.get(file)!);
  const imports = [...all].map(([file, source]) => [file, new Set(readImports(source, file).map(({ path }) => path))] as const);
  /** Files that import one, directly or through the index of its folder. */
  const importers = (own: string) => {
    const doors = [own, `${dirname(own)}/index.ts`];
    return imports.filter(([, paths]) => doors.some(door => paths.has(door))).map(([file]) => file);
  };

  test("every value that a file exports is used by another", () => {
    const unused = files.flatMap(file => {
      const names = [...text.get(file)!.matchAll(/^export (?:async )?(?:function\*?|const|class|let) (\w+)/gm)].map(match => match[1]!);
      const users = importers(file).filter(user => !user.endsWith("/index.ts"));
      return names.filter(name => !users.some(user => mentions(user, name))).map(name => `${file} ${name}`);
    });
    expect(unused).toEqual([]);
  });

  test("every setting of serve is read somewhere", () => {
    const read = text.get("src/config.ts")!.split("export function readServeConfig")[1]!;
    const readers = files.filter(file => file !== "src/config.ts" && !file.startsWith("src/cli/bench/"));
    const unread = Object.keys(serveOptions).filter(key => !new RegExp(`[.{,] *${key}\\b`).test(read) && !readers.some(file => mentions(file, key)));
    expect(unread).toEqual([]);
  });
});
