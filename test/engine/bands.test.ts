// Rows of very different lengths in one batch: on the CPU back end each sequence gets what it gets alone, whichever bands its
// row goes through, and who joins, leaves or pushes others out beside it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Submit } from "../../src/engine/protocol.ts";
import { withQuantizedKv } from "../../src/kv/quantization.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { alone, MemoryEngine, mixture, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { openRandomModel } from "../helpers/random-model.ts";
import { dice } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

const SIZES = { shortest: 16, longest: 64, positions: 128 };
const ROWS = 25;

function golden(name: string): LoadedModel & { close(): void } {
  const loaded = loadModel(join(import.meta.dir, "../golden", name));
  return { ...loaded, close: () => loaded.weights.release() };
}

const KINDS: Record<string, () => LoadedModel & { close(): void }> = {
  "full attention": () => golden("qwen3/float32"),
  "8-bit weights": () => golden("qwen3/8-bit"),
  windows: () => golden("mistral/window"),
  latents: () => golden("deepseek_v2/plain"),
  "shared keys and values": () => golden("gemma4_text/plain"),
  "states and attention": () => golden("qwen3_next/4-bit"),
  "packed keys and values": () => {
    const opened = openRandomModel(30);
    return { ...opened, model: withQuantizedKv(opened.model, { bits: 8, groupSize: 32, minTokens: 40 }, 8) };
  },
};

describe.each(Object.entries(KINDS))("%s", (_, open) => {
  let loaded: ReturnType<typeof open>;
  let all: readonly Submit[];
  let expected: readonly Awaited<ReturnType<typeof alone>>[];
  beforeAll(async () => {
    openForTests();
    loaded = open();
    all = requests(loaded.model.vocabSize);
    const made = [];
    for (const submit of all) made.push(await alone(loaded, submit));
    expected = made;
  });
  afterAll(() => loaded.close());

  /** Short prompts, some long ones, and answers that take rows from one band to the next. */
  function requests(vocabSize: number): Submit[] {
    const { below, pick } = dice(5);
    const stem = Array.from({ length: 440 }, () => below(vocabSize));
    return mixture(6, ROWS, vocabSize).map((submit, i) => {
      const shared = i % 4 === 0 ? 300 + below(140) : pick([0, 5, 14, 40]);
      const prompt = Uint32Array.from([...stem.slice(0, shared), ...submit.prompt.subarray(0, 1 + below(10))]);
      return { ...submit, prompt, maxTokens: 5 + below(40), stopIds: [], priority: below(3) };
    });
  }

  test.each([
    ["together", ROWS, 0, false, SIZES],
    ["in one band", ROWS, 0, false, undefined],
    ["pushing each other out", 6, 5, false, SIZES],
    ["with stored prefixes", 10, 3, true, SIZES],
  ] as const)("%s, everybody gets what each gets alone", async (_, maxRows, pause, stored, sizes) => {
    const before = mx.liveHandles();
    const { below } = dice(8);
    const prefixes = stored ? openPrefixes(8, 1 << 24, loaded.model.layout) : undefined;
    const engine = new MemoryEngine(loaded, { maxRows, prefillChunk: 32 }, prefixes, undefined, sizes);
    for (const submit of all) {
      engine.loop.receive(submit);
      for (let wait = below(pause + 1); wait > 0; wait--) await nextTurn();
    }
    engine.loop.receive({ type: "stats", ask: 1 });
    await engine.finish();
    expect(all.map(({ id }) => engine.answer(id))).toEqual([...expected]);
    const { stats } = engine.sent.find(message => message.type === "stats")!;
    if (maxRows === 6) expect(stats.preemptions).toBeGreaterThan(0);
    if (stored) expect(prefixes!.stats.tokensSaved).toBeGreaterThan(100);
    prefixes?.check();
    prefixes?.clear();
    expect(mx.liveHandles()).toBe(before);
  });
});
