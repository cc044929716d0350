// How long running streams pause while a text of 100,000 tokens comes in and is encoded: the longest gap between two frames of any stream,
// beside the gaps when nothing else happens. The text is too long for the model, so that it is encoded and refused and only encoding counts.
//
//     bun bench/encode-stall.ts [--model mini/checkpoint] [--embedding-model .build/minilm/…] [--tokens 100000] [--streams 4] [--record]
//
// Endpoints: chat, completions, /v1/tokenize, Responses and, with an embedding model (which truncates), embeddings.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { percentile } from "../src/cli/bench/statistics.ts";
import { openTokenizer } from "../src/tokenizer/load.ts";
import { startOwnServer } from "./lib/own-server.ts";
import { appendCsv, circumstances } from "./lib/report.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "mini/checkpoint" },
    "embedding-model": { type: "string" },
    tokens: { type: "string", default: "100000" },
    streams: { type: "string", default: "4" },
    record: { type: "boolean", default: false },
  },
});

const CALM_MS = 2000;
const ROUNDS = 3;
const [tokens, count] = [Number(options.tokens), Number(options.streams)];

/** Words that differ, until the tokenizer counts enough of them; each round's text begins in another way. */
function makeText(): (round: number) => string {
  const tokenizer = openTokenizer(options.model);
  const word = (i: number) => `${["The", "a lamp", "river", "(x + 1)", "naïve", "Москва", "東京"][i % 7]!} ${(i * 7919) % 100_003}`;
  const sample = Array.from({ length: 2000 }, (_, i) => word(i)).join(" ");
  const perWord = tokenizer.encode(sample, { specialTokens: false }).length / 2000;
  const text = Array.from({ length: Math.ceil(tokens / perWord) }, (_, i) => word(i)).join(" ");
  return round => `Round ${round}. ${text}`;
}

/** The times at which a stream's frames came, in ms, growing while it runs. It is begun again when it ends, until the signal. */
function openStream(url: string, seed: number, signal: AbortSignal): { times: number[]; done: Promise<void> } {
  const times: number[] = [];
  const body = JSON.stringify({ prompt: `Count from ${seed}:`, max_tokens: 3500, ignore_eos: true, temperature: 0, stream: true });
  const read = async () => {
    while (!signal.aborted) {
      const response = await fetch(`${url}/v1/completions`, { method: "POST", headers: { "content-type": "application/json" }, body, signal });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      for await (const bytes of response.body!) if (bytes.length > 0) times.push(performance.now());
    }
  };
  const done = read().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return { times, done };
}

/** The longest pauses: whatever gap overlaps the time from one moment to the other. */
function gaps(times: readonly number[], from: number, to: number): number[] {
  return times.slice(1).flatMap((time, i) => (time >= from && times[i]! <= to ? [time - times[i]!] : []));
}

const text = makeText();
const message = (content: string) => [{ role: "user", content }];
const endpoints: Record<string, (content: string) => object> = {
  "chat/completions": content => ({ messages: message(content), max_tokens: 1 }),
  completions: prompt => ({ prompt, max_tokens: 1 }),
  tokenize: prompt => ({ prompt }),
  responses: input => ({ input, max_output_tokens: 1, store: false }),
  ...(options["embedding-model"] !== undefined && { embeddings: (input: string) => ({ input, model: options["embedding-model"] }) }),
};

const encoder = options["embedding-model"];
const server = await startOwnServer([options.model, ...(encoder === undefined ? [] : ["--embedding-model", encoder])]);
const stop = new AbortController();
const streams = Array.from({ length: count }, (_, i) => openStream(server.url, i, stop.signal));
try {
  while (streams.some(stream => stream.times.length < 4)) await Bun.sleep(5);
  const all = (from: number, to: number) => streams.flatMap(stream => gaps(stream.times, from, to));
  const calm = performance.now();
  await Bun.sleep(CALM_MS);
  const normal = all(calm, performance.now());
  const [step, usual] = [percentile(normal, 0.5), Math.max(...normal)];
  console.log(`${count} streams alone: ${step.toFixed(1)} ms a frame, longest ${usual.toFixed(1)} ms`);
  for (const [name, make] of Object.entries(endpoints)) {
    for (let round = 0; round < ROUNDS; round++) {
      const body = JSON.stringify(make(text(round))); // this side's own work, before the clock starts
      await Bun.sleep(500);
      const start = performance.now();
      const response = await fetch(`${server.url}/v1/${name}`, { method: "POST", headers: { "content-type": "application/json" }, body });
      const bytes = (await response.arrayBuffer()).byteLength;
      const end = performance.now();
      await Bun.sleep(100);
      const longest = Math.max(...all(start, end));
      console.log(`${name}: ${response.status} after ${(end - start).toFixed(0)} ms (${bytes} bytes), longest gap ${longest.toFixed(1)} ms`);
      if (!options.record) continue;
      const head = {
        ...circumstances(`bun bench/encode-stall.ts --tokens ${tokens} --streams ${count}`),
        endpoint: name,
        tokens,
        streams: count,
        round,
      };
      const figures = {
        normal_ms: step.toFixed(1),
        normal_max_ms: usual.toFixed(1),
        answered_ms: (end - start).toFixed(0),
        max_ms: longest.toFixed(1),
      };
      appendCsv(join(import.meta.dir, "results/encode-stall.csv"), [{ ...head, characters: text(0).length, status: response.status, ...figures }]);
    }
  }
} finally {
  stop.abort();
  await Promise.all(streams.map(stream => stream.done));
  await server.stop();
}
