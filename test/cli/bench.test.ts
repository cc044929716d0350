// The bench commands without an engine: statistics, arrivals, rows, and a load on a scripted server.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arrivals, runLoad } from "../../src/cli/bench/load.ts";
import { readBenchConfig } from "../../src/cli/bench/options.ts";
import { makeRandom, poems, promptOf, promptSets } from "../../src/cli/bench/prompts.ts";
import { interval, percentile, summary } from "../../src/cli/bench/statistics.ts";
import { toText } from "../../src/cli/bench/table.ts";
import { resultBlock } from "../../src/cli/bench/throughput.ts";
import { root } from "../helpers/imports.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

describe("statistics", () => {
  test("percentiles lie between neighbours", () => {
    expect([0, 0.5, 0.95, 1].map(share => percentile([4, 1, 3, 2], share))).toEqual([1, 2.5, 3.8499999999999996, 4]);
    expect(percentile([], 0.5)).toBeNaN();
    expect(summary([2])).toEqual({ mean: 2, min: 2, max: 2, p50: 2, p95: 2, p99: 2 });
  });

  test("the interval is that of the mean, within 0 and 1", () => {
    const { mean, stdev, low, high } = interval([0.9, 1, 0.8], "0.95");
    expect([mean, stdev, low, high].map(n => Number(n.toFixed(6)))).toEqual([0.9, 0.1, 0.786839, 1]);
    expect(interval([0.5], "0.99")).toEqual({ mean: 0.5, stdev: 0, low: 0.5, high: 0.5 });
    expect(interval([0, 1], "0.95").low).toBe(0);
  });
});

describe("load", () => {
  const answer = { sentAt: 0, textMs: [1, 2], endMs: 2, text: "ab", promptTokens: 10, cachedTokens: 4, tokens: 2 };

  test("arrivals have the asked rate on average, and none without one", () => {
    const next = makeRandom(3);
    const moments = arrivals({ concurrency: 1, requestRate: 50, requests: 5000 }, () => next(2 ** 32) / 2 ** 32);
    expect(moments.every((moment, i) => i === 0 || moment >= moments[i - 1]!)).toBe(true);
    expect(5000 / (moments.at(-1)! / 1000)).toBeCloseTo(50, -1);
    expect(arrivals({ concurrency: 1, requestRate: undefined, requests: 3 }, () => 0.5)).toEqual([0, 0, 0]);
  });

  test("never more requests at a time than allowed, each once, failures told apart", async () => {
    let [now, most] = [0, 0];
    const asked: number[] = [];
    const ask = async (at: number) => {
      asked.push(at);
      most = Math.max(most, ++now);
      await Bun.sleep(1);
      now--;
      if (at === 3) throw new Error("refused");
      return answer;
    };
    const { answers, failures } = await runLoad({ concurrency: 3, requestRate: undefined, requests: 10 }, ask, Math.random);
    expect([most, answers.length, failures]).toEqual([3, 9, ["refused"]]);
    expect(asked.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => i));
  });
});

test("prompt sets differ from the first words on, or share a thousand of them on purpose", () => {
  for (const set of promptSets) {
    const [a, b] = [promptOf(set, 1, 0), promptOf(set, 2, 0)];
    expect(a).toBe(promptOf(set, 1, 0));
    expect(a).not.toBe(b);
    const common = [...a].findIndex((letter, i) => letter !== b[i]);
    if (set === "shared") expect(common).toBeGreaterThan(3000);
    else expect(common).toBeLessThan(12);
  }
  expect(poems(2)).toEqual(["Write a short poem about nature.", "Write a short poem about love."]);
});

test("rows are shown as a table, JSON or CSV", () => {
  const rows = [
    { name: "a,b", ms: 1.23456, count: 1000, none: undefined },
    { name: 'c"', ms: 123.456, count: 2, none: NaN },
  ];
  expect(toText(rows, "table")).toBe(`name    ms  count  none\n----  ----  -----  ----\na,b   1.23   1000     -\nc"     123      2     -\n`);
  expect(toText(rows, "csv")).toBe(`name,ms,count,none\n"a,b",1.23456,1000,\n"c""",123.456,2,\n`);
  expect(JSON.parse(toText(rows, "json"))).toEqual(JSON.parse(JSON.stringify(rows)));
});

test("the block of figures has vllm-mlx's lines", () => {
  const pass = { seconds: 2, prompts: 10, promptTokens: 80, completionTokens: 640, cachedTokens: 0, firstTokenMs: 5, steps: 66 };
  const lines = resultBlock(pass, "Results").split("\n").slice(1, 10);
  expect(lines).toEqual([
    "Results:",
    "  Total time: 2.00s",
    "  Prompts: 10",
    "  Prompts/second: 5.00",
    "  Total prompt tokens: 80",
    "  Total completion tokens: 640",
    "  Total tokens: 720",
    "  Tokens/second: 320.00",
    "  Throughput: 360.00 tok/s",
  ]);
});

test("bench takes the options of an engine, none that it would ignore, and no contradictions", () => {
  const read =
    (...args: string[]) =>
    () =>
      readBenchConfig(args);
  expect(read("--max-num-seqs", "3", "--cache-strategy", "paged")().engine).toMatchObject({ maxNumSeqs: 3, cacheStrategy: "paged" });
  for (const flag of ["--embedding-model", "--rerank-model", "--warm-prompts", "--repetition-policy", "--adapter-path", "--strict-model-id"])
    expect(read(flag, "safe")).toThrow(`${flag} is not an option`);
  expect(read("--memory-warn-threshold", "90")).toThrow("--memory-limit-threshold must be above");
  expect(read("--disable-prefix-cache", "--ssd-cache-dir", "d")).toThrow("--ssd-cache-dir stores prefixes");
  expect(read("--json-out", "/nowhere/rows.json")).toThrow("--json-out: /nowhere/rows.json cannot be written (ENOENT)");
});

describe("bench-serve against a scripted server", () => {
  const folder = temporaryFolder("bench");
  const bodies: Record<string, unknown>[] = [];
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      if (request.headers.get("authorization") !== "Bearer secret") return new Response("no key", { status: 401 });
      if (request.url.endsWith("/v1/models")) return Response.json({ data: [{ id: "scripted" }] });
      const body = (await request.json()) as Record<string, unknown>;
      bodies.push(body);
      if (body["fail"]) return new Response('{"error":"full"}', { status: 429 });
      const frame = (json: object) => `data:${body["tight"] ? "" : " "}${JSON.stringify(json)}\n\n`;
      const delta = (content: string) => frame({ choices: [{ delta: { content } }] });
      const usage = { prompt_tokens: 20, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 5 } };
      return new Response(delta("a") + delta("b") + frame({ choices: [], usage }) + "data: [DONE]\n\n");
    },
  });
  afterAll(async () => {
    await server.stop(true);
  });

  async function run(...args: string[]) {
    const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), "bench-serve", "--url", `http://127.0.0.1:${server.port}`, ...args], {
      stdout: "pipe",
      stderr: "pipe",
      env: { PATH: process.env.PATH, PIPPIN_API_KEY: "secret" },
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err, code };
  }

  test("rows hold what the server said", async () => {
    const output = join(folder, "rows.json");
    writeFileSync(join(folder, "system.txt"), "Be brief.");
    const args = ["--concurrency", "1,2", "--prompts", "short", "--num-prompts", "4", "--repetitions", "2", "--extra-body", '{"top_k":1}'];
    const { out, err, code } = await run(
      ...args,
      "--format",
      "csv",
      "--output",
      output,
      "--system-prompt-file",
      join(folder, "system.txt"),
      "--tag",
      "t",
    );
    expect([err, code]).toEqual(["", 0]);
    expect(out.trim().split("\n").length).toBe(1 + 4);
    const rows = JSON.parse(readFileSync(output, "utf8")) as Record<string, unknown>[];
    expect(rows.map(row => [row["concurrency"], row["repetition"]])).toEqual([[1, 1], [1, 2], [2, 1], [2, 2]]); // prettier-ignore
    for (const row of rows)
      expect(row).toMatchObject({
        tag: "t",
        model_id: "scripted",
        requests: 4,
        failed: 0,
        prompt_tokens: 80,
        cached_tokens: 20,
        cache_hit_rate: 0.25,
      });
    expect(bodies.length).toBe(2 * (1 + 2 * 4));
    expect(bodies[0]).toMatchObject({ model: "scripted", stream: true, max_tokens: 256, temperature: 0, top_k: 1 });
    expect(new Set(bodies.map(body => JSON.stringify(body["messages"]))).size).toBe(bodies.length);
    expect((bodies[0]!["messages"] as object[])[0]).toEqual({ role: "system", content: "Be brief." });
  });

  test("frames without a space behind their name are read as well", async () => {
    const { err, code } = await run("--prompts", "short", "--num-prompts", "1", "--repetitions", "1", "--extra-body", '{"tight":true}');
    expect([err, code]).toEqual(["", 0]);
  });

  test("failed requests are told and end in exit code 1", async () => {
    const { out, err, code } = await run(
      "--concurrency",
      "1",
      "--prompts",
      "short",
      "--num-prompts",
      "2",
      "--repetitions",
      "1",
      "--extra-body",
      '{"fail":1}',
    );
    expect(err).toContain('a request failed: 429: {"error":"full"}');
    expect(code).toBe(1);
    expect(out).toContain("short");
  });

  test.each([
    [["--url", "ftp://x"], "--url begins with http:// or https://"],
    [["--prompts", "tiny"], '--prompts has "tiny"; there are short, medium, long, shared'],
    [["--concurrency", "0"], '--concurrency takes whole numbers from 1 to 999999, not "0"'],
    [["--output", "rows.txt"], "--output ends in .json or .csv"],
    [["--output", "/nowhere/rows.csv"], "--output: /nowhere/rows.csv cannot be written (ENOENT)"],
    [["extra"], 'bench-serve takes no argument "extra"'],
    [["--nonsense"], "--nonsense is not an option; 'pippin help bench-serve' lists all of them"],
  ])("%p is a usage error", async (args, message) => {
    const { err, code } = await run(...args);
    expect(err).toContain(message);
    expect([err.trim().split("\n").length, code]).toEqual([1, 2]);
  });
});
