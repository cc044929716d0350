// The equality matrix: cold, partly and wholly stored, stored on disk, preempted and resumed × alone, in a batch, joining and leaving × full attention, sliding
// window, quantized keys and values. Id for id and bit for bit on the CPU back end.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { blockKey } from "../../src/cache/block-key.ts";
import type { Submit } from "../../src/engine/protocol.ts";
import { withQuantizedKv } from "../../src/kv/quantization.ts";
import type { LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { alone, MemoryEngine, openDisk, openPrefixes, STORE } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { openRandomModel } from "../helpers/random-model.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const BLOCK = 8;
interface Kind {
  readonly name: string;
  readonly window?: number;
  readonly quantization?: { readonly bits: 4 | 8; readonly groupSize: number; readonly minTokens: number };
}

const KINDS: readonly Kind[] = [
  { name: "full attention" },
  { name: "a sliding window", window: 20 },
  { name: "8 bits from the start", quantization: { bits: 8, groupSize: 32, minTokens: 0 } },
  { name: "4 bits behind 24 positions", quantization: { bits: 4, groupSize: 32, minTokens: 21 } },
  { name: "8 bits behind 40 positions, with a window", window: 30, quantization: { bits: 8, groupSize: 32, minTokens: 40 } },
];

/** The key of a full block of a stored prompt. */
function keyAt(prompt: Uint32Array, block: number): string {
  const before = block === 0 ? STORE : keyAt(prompt, block - 1);
  return blockKey(before, prompt.subarray(block * BLOCK, (block + 1) * BLOCK));
}

describe.each(KINDS)("$name", ({ window, quantization }) => {
  let opened: ReturnType<typeof openRandomModel>;
  let loaded: LoadedModel;
  beforeAll(() => {
    openForTests();
    opened = openRandomModel(window);
    loaded = quantization === undefined ? opened : { ...opened, model: withQuantizedKv(opened.model, quantization, BLOCK) };
  });
  afterAll(() => opened.close());

  /** Chats that share stems, greedy and seeded; lengths around the edges of blocks, windows and exact positions. */
  function requests(seed: number, count: number): Submit[] {
    const { below, next, pick } = dice(seed);
    const stems = [70, 24, 41].map(length => Array.from({ length }, () => below(loaded.model.vocabSize)));
    return Array.from({ length: count }, (_, i) => {
      const stem = pick(stems);
      const own = Array.from({ length: below(12) }, () => below(loaded.model.vocabSize));
      const prompt = Uint32Array.from([...stem.slice(0, 1 + below(stem.length)), ...own]);
      const sampling = next() < 0.5 ? greedy : { ...greedy, temperature: 0.8, seed: i };
      return submission(i + 1, { prompt, sampling, maxTokens: 1 + below(20), logprobs: 1 });
    });
  }

  type Answers = readonly Awaited<ReturnType<typeof alone>>[];
  const answers = (engine: MemoryEngine, all: readonly Submit[]): Answers => all.map(({ id }) => engine.answer(id));

  async function allAlone(all: readonly Submit[]): Promise<Answers> {
    const made = [];
    for (const submit of all) made.push(await alone(loaded, submit));
    return made;
  }

  async function run(
    all: readonly Submit[],
    prefixes: ReturnType<typeof openPrefixes> | undefined,
    rows: number,
    pause: number,
  ): Promise<MemoryEngine> {
    const { below } = dice(5);
    const engine = new MemoryEngine(loaded, { maxRows: rows, prefillChunk: 16 }, prefixes);
    for (const submit of all) {
      engine.loop.receive(submit);
      for (let wait = below(pause + 1); wait > 0; wait--) await nextTurn();
    }
    await engine.finish();
    prefixes?.check();
    expect(engine.sent.filter(message => message.type === "failed")).toEqual([]);
    return engine;
  }

  const cachedOf = (engine: MemoryEngine, all: readonly Submit[]) => all.map(({ id }) => engine.rows(id)[0]!.cachedTokens!);

  test.each([
    ["one after the other", 1, 0],
    ["in a batch", 12, 0],
    ["joining and leaving", 4, 6],
  ] as const)("cold, then stored in part, then wholly: %s", async (_, rows, pause) => {
    const before = mx.liveHandles();
    const all = requests(rows, 12);
    const expected = await allAlone(all);
    expect(answers(await run(all, undefined, rows, pause), all)).toEqual(expected);
    const prefixes = openPrefixes(BLOCK, 1 << 24);
    const partly = await run(all, prefixes, rows, pause);
    expect(answers(partly, all)).toEqual(expected);
    expect(cachedOf(partly, all).some(tokens => tokens > 0)).toBe(true);
    const wholly = await run(all, prefixes, rows, pause);
    expect(answers(wholly, all)).toEqual(expected);
    expect(cachedOf(wholly, all)).toEqual(all.map(({ prompt }) => prompt.length - 1));
    prefixes.clear();
    expect(mx.liveHandles()).toBe(before);
  });

  test.each([
    ["one after the other", 1, 0],
    ["in a batch", 12, 0],
    ["joining and leaving", 4, 6],
  ] as const)("stored on disk by an engine that is gone, one block damaged: %s", async (_, rows, pause) => {
    const before = mx.liveHandles();
    const directory = temporaryFolder("matrix");
    const all = requests(rows + 40, 10);
    const expected = await allAlone(all);
    const first = await openDisk(directory, BLOCK);
    await run(all, first.prefixes, 4, 2);
    await first.close();
    expect(first.tier.stats.blocks).toBeGreaterThan(5);
    const { prompt } = all.find(({ prompt }) => prompt.length > 2 * BLOCK)!;
    truncateSync(join(directory, STORE, `${keyAt(prompt, 0)}.kv`), 100);
    const second = await openDisk(directory, BLOCK);
    const engine = await run(all, second.prefixes, rows, pause);
    expect(answers(engine, all)).toEqual(expected);
    expect(second.tier.stats.read).toBeGreaterThan(5);
    expect(second.tier.stats.damaged).toBe(1);
    expect(second.prefixes.stats.tokensSaved).toBeGreaterThan(all.reduce((sum, { prompt }) => sum + prompt.length, 0) / 3);
    await second.close();
    expect(mx.liveHandles()).toBe(before);
  });

  test("one damaged block costs its own ids and no others", async () => {
    const directory = temporaryFolder("matrix-damage");
    const [request] = requests(1, 1);
    const one: Submit = { ...request!, prompt: Uint32Array.from({ length: 8 * BLOCK + 3 }, (_, i) => (i * 7 + 1) % 90) };
    const expected = await allAlone([one]);
    const first = await openDisk(directory, BLOCK);
    await run([one], first.prefixes, 1, 0);
    await first.close();
    for (const block of [1, 3]) {
      truncateSync(join(directory, STORE, `${keyAt(one.prompt, block)}.kv`), 100);
      const again = await openDisk(directory, BLOCK);
      const engine = await run([one], again.prefixes, 1, 0);
      expect(answers(engine, [one])).toEqual(expected);
      expect(cachedOf(engine, [one])).toEqual([7 * BLOCK]);
      await again.close();
    }
  });

  test.each([false, true])("preempted and resumed, with stored prefixes: %p", async stored => {
    const before = mx.liveHandles();
    const { below } = dice(11);
    const all = requests(60, 24).map((submit): Submit => ({ ...submit, priority: below(5) }));
    const prefixes = stored ? openPrefixes(BLOCK, 1 << 24) : undefined;
    const engine = await run(all, prefixes, 3, 6);
    expect(answers(engine, all)).toEqual(await allAlone(all));
    expect(engine.preemptions).toBeGreaterThan(5);
    prefixes?.clear();
    expect(mx.liveHandles()).toBe(before);
  });

  test("while little is stored and much is dropped", async () => {
    const all = requests(3, 16);
    const prefixes = openPrefixes(BLOCK, 30_000);
    expect(answers(await run(all, prefixes, 6, 3), all)).toEqual(await allAlone(all));
    expect(prefixes.stats.evictions).toBeGreaterThan(0);
    prefixes.clear();
  });
});
