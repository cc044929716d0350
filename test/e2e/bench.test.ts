// The bench commands of the executable on the built-in model: figures come out, and answers do not depend on their company.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheHome, executable } from "../helpers/server.ts";

setDefaultTimeout(120_000);

async function pippin(...args: string[]) {
  mkdirSync(cacheHome, { recursive: true });
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, XDG_CACHE_HOME: cacheHome };
  const child = Bun.spawn([executable, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe", env });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(err).toBe("");
  return { out, code };
}

test("bench counts what was asked for", async () => {
  const report = join(cacheHome, "bench.json");
  const { out, code } = await pippin("bench", "--num-prompts", "3", "--max-tokens", "8", "--ignore-eos", "--passes", "2", "--json-out", report);
  expect(code).toBe(0);
  expect(out.match(/Total completion tokens: 24\n/g)?.length).toBe(2);
  expect(out).toMatch(/Memory bandwidth: [\d.]+ GB\/s for weights, [\d.]+ % of the roof of \d+ GB\/s/);
  const { passes } = JSON.parse(readFileSync(report, "utf8")) as { passes: { prompts: number; completionTokens: number }[] };
  expect(passes.map(pass => [pass.prompts, pass.completionTokens])).toEqual([[3, 24], [3, 24]]); // prettier-ignore
});

test("answers are the same alone and together, token for token", async () => {
  const { out, code } = await pippin("bench", "--invariance", "--concurrency", "2,8,24", "--runs", "1", "--max-tokens", "16");
  expect(out.split("\n").slice(2, 5).map(line => line.trim().split(/\s{2,}/))).toEqual([2, 8, 24].map(n => [`${n}`, "1", "100", "100 to 100", "100"])); // prettier-ignore
  expect(code).toBe(0);
});

test("detokenizing and quantized keys and values are measured", async () => {
  expect((await pippin("bench-detok", "--iterations", "1", "--tokens", "300")).out).toContain("Both texts are equal.");
  const { out } = await pippin("bench-kv-cache", "--layers", "1", "--seq-len", "64", "--heads", "2", "--head-dim", "64");
  expect(out).toMatch(/8-bit +\S+ +1\.88x/);
});
