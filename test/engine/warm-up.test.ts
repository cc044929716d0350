// What a warm-up does, and that nothing is left of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { warmUp } from "../../src/engine/warm-up.ts";
import { warmsUp, warmUpStages, type WarmUpLimits } from "../../src/engine/warm-up-stages.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { MemoryEngine, mixture, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";

const limits: WarmUpLimits = { contextLength: 4096, prefillStep: 100, maxRows: 6, fits: () => true };

describe("the stages of a warm-up", () => {
  const lengths = (stages: ReturnType<typeof warmUpStages>) => stages.map(({ batches }) => batches.map(batch => batch.map(one => one.prompt.length)));

  test("read prompts of doubled lengths, of a full step and of more than that, then answer at doubled widths", () => {
    const [reading, ...writing] = lengths(warmUpStages(limits, 50));
    expect(reading!.slice(0, 9)).toEqual([[1], [2], [4], [8], [16], [32], [64], [100], [108]]);
    expect(writing.map(batches => [...new Set(batches.map(batch => batch.length))])).toEqual([[1], [2], [4], [6]]);
  });

  test("go no wider than a step's rows matter, and hold no id beyond the vocabulary", () => {
    const stages = warmUpStages({ ...limits, maxRows: 256 }, 5);
    expect(stages.at(-1)!.doing).toBe("writing 64 answers together");
    for (const { prompt } of stages.flatMap(({ batches }) => batches.flat())) expect(Math.max(...prompt)).toBeLessThan(5);
  });

  test("leave out what the context or the memory is too small for", () => {
    expect(lengths(warmUpStages({ ...limits, contextLength: 70 }, 50))[0]!.slice(0, 8)).toEqual([[1], [2], [4], [8], [16], [32], [64], [16]]);
    const narrow = warmUpStages({ ...limits, fits: rows => rows.length <= 2 }, 50);
    expect(narrow.map(({ doing }) => doing)).toEqual(["reading prompts of up to 108 tokens", "writing one answer", "writing 2 answers together"]);
    expect(warmUpStages({ ...limits, fits: () => false }, 50).flatMap(({ batches }) => batches)).toEqual([]);
  });
});

test("auto warms up where kernels are compiled", () => {
  expect((["auto", "on", "off"] as const).flatMap(option => [warmsUp(option, "gpu"), warmsUp(option, "cpu")])).toEqual([
    true,
    false,
    true,
    true,
    false,
    false,
  ]);
});

describe.each(["qwen3/8-bit", "mistral/window", "qwen3_next/plain"])("after a warm-up of %s", name => {
  let loaded: LoadedModel;
  beforeAll(() => {
    openForTests();
    loaded = loadModel(join(import.meta.dir, "../golden", name));
  });
  afterAll(() => loaded.weights.release());

  async function answers(): Promise<unknown> {
    const prefixes = openPrefixes(8, 1 << 20, loaded.model.layout);
    const engine = new MemoryEngine(loaded, { maxRows: 4, prefillChunk: 32 }, prefixes);
    engine.loop.receive({ type: "stats", ask: 1 });
    const all = mixture(21, 12, loaded.model.vocabSize);
    for (const submit of all) engine.loop.receive(submit);
    engine.loop.receive({ type: "stats", ask: 2 });
    await engine.finish();
    prefixes.clear();
    const stats = engine.sent.flatMap(message =>
      message.type === "stats" ? [{ ...message.stats, activeBytes: 0, peakBytes: 0, cacheBytes: 0 }] : [],
    );
    return { stats: stats[0], answers: all.map(({ id }) => engine.answer(id)) };
  }

  test("no tensor is left, and an engine says, counts and stores what it would without one", async () => {
    const before = mx.liveHandles();
    const expected = await answers();
    const told: string[] = [];
    const options = { contextLength: loaded.info.contextLength, prefillStep: 32, maxRows: 5, fits: () => true };
    await warmUp({
      model: loaded.model,
      prefixCache: { strategy: "memory-aware", blockSize: 8, maxBytes: 1 << 20 },
      limits: options,
      tell: (doing, stage, stages) => void told.push(`${stage}/${stages} ${doing}`),
    });
    expect(told[0]).toStartWith("1/5 reading prompts of up to 40 tokens");
    expect(told.length).toBe(5);
    expect(mx.liveHandles()).toBe(before);
    expect(await answers()).toEqual(expected);
  });

  test("it fails as the model fails, and leaves nothing either", async () => {
    const before = mx.liveHandles();
    const broken = {
      ...loaded.model,
      logits: (hidden: mx.Tensor) => {
        if (mx.shape(hidden)[0]! > 1) throw new Error("too wide");
        return loaded.model.logits(hidden);
      },
    };
    const options = { contextLength: 100, prefillStep: 32, maxRows: 5, fits: () => true };
    await expect(warmUp({ model: broken, prefixCache: undefined, limits: options, tell: () => {} })).rejects.toThrow("too wide");
    expect(mx.liveHandles()).toBe(before);
  });
});
