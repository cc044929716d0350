// How long running streams pause while a long prompt is read: the longest gap between two tokens of any of them, beside a normal step's.
//
//     bun bench/stall.ts [--model .build/bench/small] [--prompt 50000] [--streams 4] [--record]
//
// A server of its own serves the checkpoint, with its context widened where that is shorter. The streams decode alone first; then the prompt
// comes, as token ids, and asks for eight tokens. Gaps are counted where a client sees them, over HTTP, until the prompt's last token.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { percentile } from "../src/cli/bench/statistics.ts";
import { startOwnServer } from "./lib/own-server.ts";
import { appendCsv, circumstances } from "./lib/report.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: ".build/bench/small" },
    prompt: { type: "string", default: "50000" },
    streams: { type: "string", default: "4" },
    record: { type: "boolean", default: false },
  },
});

const CALM_MS = 3000; // of decoding before the prompt comes
const vocabulary = 4000;

/** A copy of the checkpoint that says it reads so many tokens; the weights are links. */
function withContext(folder: string, tokens: number): string {
  const copy = mkdtempSync(join(tmpdir(), "pippin-stall-"));
  for (const file of readdirSync(folder)) {
    if (file.endsWith(".safetensors")) symlinkSync(resolve(folder, file), join(copy, file));
    else cpSync(join(folder, file), join(copy, file), { recursive: true });
  }
  const config = JSON.parse(readFileSync(join(copy, "config.json"), "utf8")) as { max_position_embeddings: number };
  config.max_position_embeddings = Math.max(config.max_position_embeddings, tokens);
  writeFileSync(join(copy, "config.json"), JSON.stringify(config));
  return copy;
}

/** The times at which a stream's frames came, in ms, growing while it runs. Ends with the stream or the signal. */
function openStream(url: string, length: number, maxTokens: number, seed: number, signal?: AbortSignal): { times: number[]; done: Promise<void> } {
  const times: number[] = [];
  const prompt = Array.from({ length }, (_, i) => ((i + 1) * 7919 + seed * 104729) % vocabulary);
  const body = JSON.stringify({ prompt, max_tokens: maxTokens, ignore_eos: true, temperature: 0, stream: true });
  const read = async () => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/v1/completions`, { method: "POST", headers, body, ...(signal && { signal }) });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    for await (const bytes of response.body!) if (bytes.length > 0) times.push(performance.now());
  };
  const done = read().catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
  return { times, done };
}

function gaps(times: readonly number[], from: number, to: number): number[] {
  const inside = times.filter(time => time >= from && time <= to);
  return inside.slice(1).map((time, i) => time - inside[i]!);
}

const [length, count] = [Number(options.prompt), Number(options.streams)];
const folder = withContext(options.model, length + 20_000);
const server = await startOwnServer([folder]);
try {
  const measure = async (): Promise<{ normal: number[]; during: number[]; seconds: number }> => {
    const stop = new AbortController();
    const streams = Array.from({ length: count }, (_, i) => openStream(server.url, 100 + 37 * i, 15_000, i, stop.signal));
    while (streams.some(stream => stream.times.length < 4)) await Bun.sleep(5);
    const calm = performance.now();
    await Bun.sleep(CALM_MS);
    const start = performance.now();
    await openStream(server.url, length, 8, Math.floor(start)).done;
    const end = performance.now();
    stop.abort();
    await Promise.all(streams.map(stream => stream.done));
    const all = (from: number, to: number) => streams.flatMap(stream => gaps(stream.times, from, to));
    return { normal: all(calm, start), during: all(start, end), seconds: (end - start) / 1000 };
  };
  await measure(); // compiles kernels
  const { normal, during, seconds } = await measure();
  const step = percentile(normal, 0.5);
  const [longest, usual] = [Math.max(...during), Math.max(...normal)];
  console.log(`${count} streams, ${step.toFixed(1)} ms a token (longest ${usual.toFixed(1)} ms); then a prompt of ${length} tokens came`);
  console.log(
    `it was answered in ${seconds.toFixed(1)} s; meanwhile the longest gap was ${longest.toFixed(1)} ms, ${(longest - step).toFixed(1)} ms beyond a normal step`,
  );
  console.log(
    `gaps meanwhile: median ${percentile(during, 0.5).toFixed(1)}, 95 % below ${percentile(during, 0.95).toFixed(1)}, 99 % below ${percentile(during, 0.99).toFixed(1)} ms`,
  );
  if (options.record) {
    const gpu = Bun.which("nvidia-smi")
      ? Bun.spawnSync(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]).stdout.toString().trim()
      : undefined;
    const head = { ...circumstances(`bun bench/stall.ts --prompt ${length} --streams ${count}`), gpu, model: options.model.split("/").at(-1) };
    const figures = { normal_ms: step, normal_max_ms: usual, p50_ms: percentile(during, 0.5), p95_ms: percentile(during, 0.95), max_ms: longest };
    const rounded = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value.toFixed(1)]));
    appendCsv(join(import.meta.dir, "results/stall.csv"), [{ ...head, prompt: length, streams: count, answered_s: seconds.toFixed(2), ...rounded }]);
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
