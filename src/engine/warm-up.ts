// GPU back ends compile or load a kernel when it is first used. An engine does once what requests will have it do before it says ready,
// so that none of them pays for that. It does so with a scheduler, rows and stored prefixes of its own, and nothing is left of them.
import { PrefixStore } from "../kv/prefix-store.ts";
import { carriesStates } from "../kv/recurrent.ts";
import type { Model } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { nextTurn } from "../util/next-turn.ts";
import type { PrefixCacheOptions, Submit } from "./protocol.ts";
import { Runner } from "./runner.ts";
import { warmUpStages, type WarmRequest, type WarmUpLimits } from "./warm-up-stages.ts";

export interface WarmUpOptions {
  readonly model: Model;
  readonly prefixCache: PrefixCacheOptions | undefined;
  readonly limits: WarmUpLimits;
  readonly tell: (doing: string, stage: number, stages: number) => void; // before each stage
}

/** Returns the milliseconds that it took. Gives way between steps, so that the process still ends with its parent. */
export async function warmUp({ model, prefixCache, limits, tell }: WarmUpOptions): Promise<number> {
  const start = performance.now();
  const prefixes = prefixCache && new PrefixStore(prefixCache, carriesStates(model.layout));
  const runner = new Runner(model, prefixes);
  try {
    const stages = warmUpStages(limits, model.vocabSize);
    for (const [n, { doing, batches }] of stages.entries()) {
      tell(doing, n + 1, stages.length);
      for (const batch of batches) await answer(runner, batch, limits);
      prefixes?.clear();
    }
  } finally {
    runner.reset();
    prefixes?.clear();
    mx.clearCache();
    mx.resetPeakMemory();
  }
  return performance.now() - start;
}

/** Reads the prompts of a batch and writes its answers, as the engine's loop would. */
async function answer(runner: Runner, batch: readonly WarmRequest[], { prefillStep, contextLength }: WarmUpLimits): Promise<void> {
  const scheduler = new Scheduler(
    { maxRows: batch.length, maxQueue: 0, prefillChunk: prefillStep, contextLength },
    { begin: sequence => runner.begin(sequence) },
  );
  batch.forEach((request, id) => scheduler.add({ type: "submit", id, stopIds: [], minTokens: 0, ...request } satisfies Submit));
  while (!scheduler.idle) {
    const pending = runner.dispatch(scheduler.schedule())!;
    runner.complete(pending);
    for (const { sequence, id } of runner.read(pending).drawn) {
      sequence.record(id);
      if (sequence.finish !== undefined) scheduler.remove(sequence);
    }
    await nextTurn();
  }
  runner.dispatch({ chunks: [], decode: [] }); // the last rows leave
}
