// The whole engine in this process, on a real model: loop, scheduler, runner, sampling.
import { storeDigest } from "../../src/cache/block-key.ts";
import { DiskTier } from "../../src/cache/disk.ts";
import type { BandSizes } from "../../src/kv/band-sizes.ts";
import { DiskBlocks } from "../../src/kv/disk-blocks.ts";
import { EngineLoop } from "../../src/engine/loop.ts";
import type { FromEngine, StepRow, Submit } from "../../src/engine/protocol.ts";
import type { DeviceCounters, Memory } from "../../src/engine/memory.ts";
import { Runner } from "../../src/engine/runner.ts";
import { PrefixStore } from "../../src/kv/prefix-store.ts";
import { carriesStates } from "../../src/kv/recurrent.ts";
import type { LayerLayout } from "../../src/models/model.ts";
import type { LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import type { Limits } from "../../src/scheduler/scheduler.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { dice, submission } from "./sequences.ts";

export function counters(): DeviceCounters {
  return { liveHandles: mx.liveHandles(), activeBytes: mx.activeMemory(), peakBytes: mx.peakMemory(), cacheBytes: mx.cacheMemory() };
}

export class MemoryEngine {
  readonly loop: EngineLoop;
  readonly sent: FromEngine[] = [];
  readonly running: Promise<void>;
  private readonly runner: Runner;

  constructor(
    loaded: LoadedModel,
    limits: Pick<Limits, "maxRows" | "prefillChunk" | "prefillRows">,
    prefixes?: PrefixStore,
    memory?: (runner: Runner) => Memory,
    sizes?: BandSizes,
  ) {
    this.runner = new Runner(loaded.model, prefixes, sizes);
    this.loop = new EngineLoop(this.runner, {
      limits: { maxQueue: 1000, contextLength: loaded.info.contextLength, ...limits },
      vocabSize: loaded.model.vocabSize,
      send: message => void this.sent.push(message),
      deviceStats: counters,
      ...(memory && { memory: memory(this.runner) }),
    });
    this.running = this.loop.run();
  }

  rows(id: number): StepRow[] {
    return this.sent.flatMap(m => (m.type === "step" ? m.rows.filter(row => row.id === id) : []));
  }

  answer(id: number): { ids: number[]; logprobs: number[]; finish: string | undefined } {
    const rows = this.rows(id);
    return {
      ids: rows.flatMap(row => row.ids),
      logprobs: rows.flatMap(row => (row.logprobs ?? []).map(l => l.logprob)),
      finish: rows.at(-1)?.finish,
    };
  }

  /** Rows that were given up and made again before `finish` was called. */
  get preemptions(): number {
    return this.sent.findLast(message => message.type === "stats")!.stats.preemptions;
  }

  async finish(): Promise<void> {
    this.loop.receive({ type: "stats", ask: 0 });
    this.loop.receive({ type: "drain" });
    await this.running;
    this.runner.reset();
  }
}

/** What a sequence gets when it has the engine for itself. */
export async function alone(loaded: LoadedModel, submit: Submit): Promise<ReturnType<MemoryEngine["answer"]>> {
  const engine = new MemoryEngine(loaded, { maxRows: 1, prefillChunk: 1024 });
  engine.loop.receive(submit);
  await engine.finish();
  return engine.answer(submit.id);
}

/** Prompts of many lengths, greedy and sampled, with penalties and stop ids here and there. */
export function mixture(seed: number, count: number, vocabSize: number): Submit[] {
  const { below, next } = dice(seed);
  return Array.from({ length: count }, (_, i) => {
    const prompt = Uint32Array.from({ length: 1 + below(60) }, () => below(vocabSize));
    const sampled = next() < 0.5;
    const sampling = {
      ...greedy,
      ...(sampled && { temperature: 0.9, seed: i, topP: next() < 0.5 ? 0.9 : 1 }),
      ...(next() < 0.3 && { frequencyPenalty: 0.5, repetitionPenalty: 1.1 }),
    };
    const thinking = { budget: i % 5, startsOpen: i % 2 === 0, openIds: [i % vocabSize], closeId: (i + 1) % vocabSize, ending: [3, 4].slice(i % 2) };
    return submission(i + 1, {
      prompt,
      sampling,
      maxTokens: 1 + below(24),
      stopIds: next() < 0.3 ? [below(vocabSize)] : [],
      logprobs: 2,
      ...(i % 3 === 0 && { thinking }),
    });
  });
}

export function openPrefixes(blockSize: number, maxBytes = 1 << 20, layout: readonly LayerLayout[] = [], least = 1): PrefixStore {
  return new PrefixStore({ strategy: "memory-aware", blockSize, maxBytes }, carriesStates(layout), least);
}

export const STORE = storeDigest("tests");

/** A store with a disk tier; `close` writes what waits and gives the memory back. */
export async function openDisk(directory: string, blockSize: number, layout?: LoadedModel["model"]["layout"]) {
  const prefixes = openPrefixes(blockSize, 1 << 24, layout);
  const tier = await DiskTier.open({ directory, store: STORE, maxBytes: 1e9, log: console.error, freeBytes: async () => 1e12 });
  prefixes.attach(new DiskBlocks(tier, STORE));
  const close = async () => {
    await tier.close(10_000);
    prefixes.shrink(0);
  };
  return { prefixes, tier, close };
}
