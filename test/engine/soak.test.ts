// A thousand requests at once, each with two tokens that it must write in turn and nobody else may.
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Submit } from "../../src/engine/protocol.ts";
import { PrefixStore } from "../../src/kv/prefix-store.ts";
import { loadModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { MemoryEngine } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

const COUNT = 1000;

test("no canary leaks: through shared prefixes, preemptions and aborts everybody gets their own", async () => {
  openForTests();
  const loaded = loadModel(join(import.meta.dir, "../golden/qwen3/float32"));
  const { vocabSize } = loaded.model;
  const before = mx.liveHandles();
  const { below, next } = dice(77);
  const prefixes = new PrefixStore({ strategy: "memory-aware", blockSize: 8, maxBytes: 1 << 19 });
  const engine = new MemoryEngine(loaded, { maxRows: 64, prefillChunk: 512, prefillRows: 16 }, prefixes);
  // No two canaries are alike. The bias wants the first token, the penalty for having written it then the second, and so on in turn.
  const canaries = Array.from({ length: COUNT }, (_, i) => [i % vocabSize, (i + 1 + Math.floor(i / vocabSize)) % vocabSize] as const);
  const stem = Array.from({ length: 24 }, (_, n) => n % vocabSize);
  const all = canaries.map(([first, second], i): Submit => {
    const prompt = Uint32Array.from([...stem.slice(0, 8 * below(4)), first, second]);
    const bias = [[first, 1000] as const, [second, 900] as const];
    const sampling = { ...greedy, temperature: below(2), seed: i, frequencyPenalty: 200, logitBias: bias };
    return submission(i + 1, { prompt, sampling, maxTokens: 2 + below(3), priority: below(3), client: `c${below(5)}` });
  });
  for (const submit of all) engine.loop.receive(submit);
  const aborted = new Set<number>();
  for (let i = 0; i < 60; i++) {
    await nextTurn();
    if (next() < 0.5) aborted.add(1 + below(COUNT));
    for (const id of aborted) engine.loop.receive({ type: "abort", id });
  }
  await engine.finish();
  const answers = new Map<number, number[]>(all.map(({ id }) => [id, []]));
  const ends = new Map<number, string>();
  for (const message of engine.sent)
    for (const row of message.type === "step" ? message.rows : []) {
      answers.get(row.id)!.push(...row.ids);
      if (row.finish !== undefined) ends.set(row.id, row.finish);
    }
  expect(new Set(canaries.map(canary => canary.join())).size).toBe(COUNT);
  expect(ends.size).toBe(COUNT);
  for (const { id, maxTokens } of all) {
    const canary = canaries[id - 1]!;
    expect(answers.get(id)!.every((token, n) => token === canary[n % 2])).toBe(true);
    if (ends.get(id) !== "abort") expect(answers.get(id)!.length).toBe(maxTokens);
  }
  expect([...ends.values()].filter(end => end === "length").length).toBeGreaterThan(COUNT * 0.9);
  prefixes.clear();
  expect(mx.liveHandles()).toBe(before);
  loaded.weights.release();
});
