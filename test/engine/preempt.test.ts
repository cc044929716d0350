// Preempted and resumed equals undisturbed: on the CPU back end, id for id and bit for bit, greedy and seeded.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Submit } from "../../src/engine/protocol.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { alone, MemoryEngine, mixture, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

describe.each(["qwen3/float32", "qwen3/8-bit", "mistral/window", "gemma4_text/plain", "qwen3_next/plain"])("%s", name => {
  let loaded: LoadedModel;
  beforeAll(() => {
    openForTests();
    loaded = loadModel(join(import.meta.dir, "../golden", name));
  });
  afterAll(() => loaded.weights.release());

  test.each([false, true])("urgent requests push others out, and each gets what it gets alone; stored prefixes: %p", async stored => {
    const before = mx.liveHandles();
    const { below } = dice(17);
    const prefixes = stored ? openPrefixes(8, 1 << 20, loaded.model.layout) : undefined;
    const engine = new MemoryEngine(loaded, { maxRows: 4, prefillChunk: 16 }, prefixes);
    const all = mixture(8, 40, loaded.model.vocabSize).map((submit, i): Submit => ({ ...submit, minTokens: i % 5, priority: below(6) }));
    for (const submit of all) {
      engine.loop.receive(submit);
      for (let wait = below(5); wait > 0; wait--) await nextTurn();
    }
    await engine.finish();
    for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
    expect(engine.preemptions).toBeGreaterThan(5);
    prefixes?.clear();
    expect(mx.liveHandles()).toBe(before);
  });
});
