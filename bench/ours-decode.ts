// Our engine as a worker of bench/decode.ts, without HTTP and in one process: bun bench/ours-decode.ts [--library LIBSHIM] MODEL
// Jobs, answers and prompts are those of bench/peers/mlx_lm_decode.py.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EngineLoop } from "../src/engine/loop.ts";
import type { FromEngine } from "../src/engine/protocol.ts";
import { Runner } from "../src/engine/runner.ts";
import { loadModel } from "../src/models/load.ts";
import * as mx from "../src/mx/index.ts";
import { greedy } from "../src/sampling/greedy.ts";

const { values: options, positionals } = parseArgs({
  options: { library: { type: "string", default: join(import.meta.dir, "../.build/lib/mlx/lib/libshim.so") } },
  allowPositionals: true,
});

interface Job {
  batch: number;
  prompt: number;
  spread: number;
  tokens: number;
}

let receive: (message: FromEngine) => void = () => {};
let nextId = 1;

async function run(loop: EngineLoop, { batch, prompt, spread, tokens }: Job): Promise<object> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const started = new Set<number>();
  let [made, finished, before, allStarted] = [0, 0, 0, 0];
  receive = message => {
    if (message.type === "failed") throw new Error(message.message);
    if (message.type !== "step") return;
    for (const row of message.rows) {
      made += row.ids.length;
      started.add(row.id);
      if (row.finish !== undefined) finished += 1;
    }
    if (allStarted === 0 && started.size === batch) [allStarted, before] = [performance.now(), made];
    if (finished === batch) resolve();
  };
  const start = performance.now();
  let prompts = 0;
  for (let row = 0; row < batch; row++) {
    const id = nextId++;
    const length = prompt - Math.floor((spread * row) / batch);
    prompts += length;
    const ids = Uint32Array.from({ length }, (_, i) => ((i + 1) * 7919 + id * 104729) % 4000);
    loop.receive({ type: "submit", id, prompt: ids, sampling: greedy, maxTokens: tokens, minTokens: 0, stopIds: [] });
  }
  await promise;
  const end = performance.now();
  return {
    decode: ((made - before) / (end - allStarted)) * 1000,
    whole: (made / (end - start)) * 1000,
    prefill: (prompts * 1000) / (allStarted - start),
  };
}

mx.openLibrary(options.library, "auto");
const { model, info } = loadModel(positionals[0]!);
const runner = new Runner(model);
// The prompts of a batch are read together, as mlx-lm is told to with prefill_batch_size.
const limits = { maxRows: 256, maxQueue: 256, prefillChunk: 16_384, contextLength: info.contextLength };
const deviceStats = () => ({ liveHandles: 0, activeBytes: 0, peakBytes: 0, cacheBytes: 0 });
const loop = new EngineLoop(runner, { limits, vocabSize: model.vocabSize, send: message => receive(message), deviceStats });
void loop.run();
for await (const line of console) if (line !== "") console.log(JSON.stringify(await run(loop, JSON.parse(line) as Job)));
process.exit(0);
