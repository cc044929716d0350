// `pippin bench`: ten prompts sent together to an engine of its own, and the block of figures that vllm-mlx's bench prints.
import { writeFileSync } from "node:fs";
import type { EngineStats } from "../../engine/protocol.ts";
import { readBenchConfig, type BenchConfig } from "./options.ts";
import { inTime, withEngine, type OpenEngine } from "./open-engine.ts";
import { poems, promptsOf } from "./prompts.ts";
import { greedy } from "../../sampling/greedy.ts";

const SETTLE_MS = 100;

export interface Pass {
  readonly seconds: number;
  readonly prompts: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly firstTokenMs: number; // until each answer's first token, mean
  readonly steps: number; // passes over the weights
}

export async function bench(args: readonly string[]): Promise<void> {
  const config = readBenchConfig(args);
  if (config.bench.invariance) return (await import("./invariance.ts")).benchInvariance(config);
  const { promptsFile, numPrompts, warmup, passes, maxTokens } = config.bench;
  const prompts = promptsFile === undefined ? poems(numPrompts) : promptsOf(promptsFile);
  const measured = await withEngine(config.engine, async open => {
    const { info, name } = open;
    process.stdout.write(`Model: ${name} (${info.modelType}), ${info.quantization}, ${(info.bytes / 1e6).toFixed(1)} MB on the ${info.device}\n`);
    if (info.warmUpMs !== undefined) process.stdout.write(`Warmed up while loading, before the first pass: ${(info.warmUpMs / 1000).toFixed(1)}s\n`);
    process.stdout.write(`Running ${prompts.length} prompts of up to ${maxTokens} tokens, ${config.engine.maxNumSeqs} at a time\n`);
    const all: Pass[] = [];
    for (let pass = -warmup; pass < passes; pass++) {
      const result = await runPass(open, prompts, config, pass);
      if (pass < 0) continue;
      all.push(result);
      process.stdout.write(resultBlock(result, passes > 1 ? `Results of pass ${pass + 1}` : "Results"));
    }
    return { all, info, name };
  });
  const { readRoof } = await import("./roof.ts"); // after the engine's end: this opens MLX here
  const roof = await readRoof(config.engine.device);
  const last = measured.all.at(-1)!;
  const used = (last.steps * measured.info.bytes) / last.seconds / 1e9;
  const share = (100 * used) / roof.gigabytesPerSecond;
  process.stdout.write(
    `  Memory bandwidth: ${used.toFixed(1)} GB/s for weights, ${share.toFixed(1)} % of the roof of ${roof.gigabytesPerSecond.toFixed(0)} GB/s (${roof.source})\n`,
  );
  if (config.bench.jsonOut !== undefined)
    writeFileSync(config.bench.jsonOut, JSON.stringify({ model: measured.name, info: measured.info, passes: measured.all, roof }, null, 2));
}

async function runPass({ engine, text }: OpenEngine, prompts: readonly string[], { bench }: BenchConfig, pass: number): Promise<Pass> {
  const ids = prompts.map(prompt => text.tokenizer.encode(prompt, { specialTokens: true }));
  await Bun.sleep(SETTLE_MS);
  const before: EngineStats = await engine.stats();
  const start = performance.now();
  const answers = await Promise.all(
    ids.map(async (prompt, at) => {
      const sampling = { ...greedy, temperature: 0.7, topP: 0.9, seed: (pass + 1) * 1000 + at };
      const request = { prompt, sampling, maxTokens: bench.maxTokens, minTokens: 0, stopIds: bench.ignoreEos ? [] : text.stopIds };
      const rows = engine.generate(request, new AbortController().signal)[Symbol.asyncIterator]();
      let [tokens, cached, first] = [0, 0, NaN];
      for (let next = await inTime(rows.next()); !next.done; next = await inTime(rows.next())) {
        if (tokens === 0) first = performance.now() - start;
        tokens += next.value.ids.length;
        cached += next.value.cachedTokens ?? 0;
      }
      return { tokens, cached, first };
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const sum = (of: (answer: (typeof answers)[number]) => number) => answers.reduce((total, answer) => total + of(answer), 0);
  return {
    seconds,
    prompts: prompts.length,
    promptTokens: ids.reduce((total, prompt) => total + prompt.length, 0),
    completionTokens: sum(answer => answer.tokens),
    cachedTokens: sum(answer => answer.cached),
    firstTokenMs: sum(answer => answer.first) / answers.length,
    steps: (await engine.stats()).steps - before.steps,
  };
}

export function resultBlock(pass: Pass, title: string): string {
  const { seconds, prompts, promptTokens, completionTokens } = pass;
  const total = promptTokens + completionTokens;
  return [
    "",
    `${title}:`,
    `  Total time: ${seconds.toFixed(2)}s`,
    `  Prompts: ${prompts}`,
    `  Prompts/second: ${(prompts / seconds).toFixed(2)}`,
    `  Total prompt tokens: ${promptTokens}`,
    `  Total completion tokens: ${completionTokens}`,
    `  Total tokens: ${total}`,
    `  Tokens/second: ${(completionTokens / seconds).toFixed(2)}`,
    `  Throughput: ${(total / seconds).toFixed(2)} tok/s`,
    `  First token: ${pass.firstTokenMs.toFixed(1)} ms, prompt tokens from stored prefixes: ${pass.cachedTokens}`,
    "",
  ].join("\n");
}
