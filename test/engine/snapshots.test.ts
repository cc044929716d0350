// Rows with states go on from stored prefixes: where reading pauses for that, and how much is read again.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { cutAtSnapshots } from "../../src/engine/snapshots.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import type { PrefixStore } from "../../src/kv/prefix-store.ts";
import { Sequence } from "../../src/scheduler/sequence.ts";
import { alone, MemoryEngine, openDisk, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

describe("reading pauses", () => {
  const sequence = new Sequence(submission(1, { prompt: new Uint32Array(2000) }), 4096, 0);
  const ends = (from: number, to: number, shared = 0): number[] => cutAtSnapshots({ sequence, from, to }, 64, shared).map(part => part.to);

  test("at the last block that a part of a prompt fills, and at its end", () => {
    expect(ends(0, 200)).toEqual([192, 200]);
    expect(ends(192, 256)).toEqual([256]);
    expect(ends(200, 250)).toEqual([250]);
  });

  test("before the prompt's end where an equal prompt would still have an id to read", () => {
    expect(ends(1900, 2000)).toEqual([1984, 2000]);
    const even = new Sequence(submission(1, { prompt: new Uint32Array(128) }), 4096, 0);
    expect(cutAtSnapshots({ sequence: even, from: 0, to: 128 }, 64, 0).map(part => part.to)).toEqual([64, 128]);
  });

  test("where other prompts went another way, and now and then", () => {
    expect(ends(0, 400, 300)).toEqual([256, 384, 400]);
    expect(ends(300, 400, 300)).toEqual([384, 400]);
    expect(ends(100, 1700)).toEqual([512, 1024, 1536, 1664, 1700]);
  });

  test("parts follow one another without a gap", () => {
    const parts = cutAtSnapshots({ sequence, from: 7, to: 1999 }, 64, 700);
    expect(parts.map(part => part.from)).toEqual([7, ...parts.slice(0, -1).map(part => part.to)]);
  });
});

describe.each(["qwen3_next/plain", "mamba2/plain", "lfm2/plain"])("%s", name => {
  let loaded: LoadedModel;
  beforeAll(() => {
    openForTests();
    loaded = loadModel(join(import.meta.dir, "../golden", name));
  });
  afterAll(() => loaded.weights.release());

  /** Reads a prompt and draws a few ids; returns how many ids of the prompt were stored, and what was drawn. */
  async function ask(prompt: readonly number[], prefixes: PrefixStore, maxTokens = 6): Promise<{ cached: number; ids: number[] }> {
    const submit = submission(1, { prompt: Uint32Array.from(prompt), maxTokens, logprobs: 0 });
    const engine = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 64 }, prefixes);
    engine.loop.receive(submit);
    await engine.finish();
    prefixes.check();
    expect(engine.answer(1)).toEqual(await alone(loaded, submit));
    return { cached: engine.rows(1)[0]!.cachedTokens!, ids: engine.answer(1).ids };
  }

  const idsOf = (length: number, { below }: ReturnType<typeof dice>) => Array.from({ length }, () => below(loaded.model.vocabSize));

  test("an equal prompt goes on from its last block, a longer one from its end", async () => {
    const random = dice(1);
    const prefixes = openPrefixes(8, 1 << 22, loaded.model.layout);
    const prompt = idsOf(45, random);
    expect((await ask(prompt, prefixes, 1)).cached).toBe(0);
    expect((await ask(prompt, prefixes, 1)).cached).toBe(40);
    expect((await ask([...prompt, ...idsOf(9, random)], prefixes)).cached).toBe(45);
    prefixes.clear();
  });

  test("snapshots survive a restart on disk", async () => {
    const random = dice(6);
    const directory = temporaryFolder("snapshots");
    const prompt = idsOf(45, random);
    const first = await openDisk(directory, 8, loaded.model.layout);
    await ask(prompt, first.prefixes, 1);
    await first.close();
    const second = await openDisk(directory, 8, loaded.model.layout);
    expect((await ask([...prompt, ...idsOf(9, random)], second.prefixes)).cached).toBe(40);
    await second.close();
  });

  test("prompts that leave each other: the second reads all, and the third goes on from where they part", async () => {
    const random = dice(2);
    const prefixes = openPrefixes(8, 1 << 22, loaded.model.layout);
    const stem = idsOf(30, random);
    const cached = [];
    for (let i = 0; i < 4; i++) cached.push((await ask([...stem, ...idsOf(25, random)], prefixes)).cached);
    expect(cached).toEqual([0, 0, 24, 24]);
    prefixes.clear();
  });

  test("each turn of a chat reads only what is new", async () => {
    const random = dice(3);
    const prefixes = openPrefixes(8, 1 << 22, loaded.model.layout);
    let history = idsOf(20, random);
    let known = 0;
    for (let turn = 0; turn < 8; turn++) {
      const { cached, ids } = await ask(history, prefixes);
      expect(cached).toBe(known);
      known = history.length + ids.length - 1; // the last id was never fed
      history = [...history, ...ids, ...idsOf(5, random)];
    }
    prefixes.clear();
  });

  test("snapshots are counted, give way when there is no room, and leave no handle behind", async () => {
    const before = mx.liveHandles();
    const random = dice(4);
    const prefixes = openPrefixes(8, 40_000, loaded.model.layout);
    for (let i = 0; i < 12; i++) {
      await ask(idsOf(60, random), prefixes);
      expect(prefixes.stats.bytes).toBeLessThanOrEqual(40_000);
    }
    expect(prefixes.stats.evictions).toBeGreaterThan(0);
    prefixes.clear();
    expect(mx.liveHandles()).toBe(before);
  });
});
