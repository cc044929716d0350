// Measures servers over HTTP on one checkpoint, one server after the other, several rounds, the order turning each round.
//
//     bun bench/serve.ts [--rounds 5] [--model .build/bench/tiny] [--servers pippin,vllm-mlx,mlx-lm] [--tokens 256] [--record]
//
// Prints medians over the rounds with (min–max), and for every peer ours/theirs. What each figure means: bench/README.md.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { plainPrompt } from "../src/cli/bench/prompts.ts";
import type { Answer } from "../src/cli/bench/stream-client.ts";
import { streamChats } from "./lib/client.ts";
import { treeMemory } from "./lib/memory.ts";
import { appendCsv, circumstances, median, shortSpread, spread, table } from "./lib/report.ts";
import type { Row } from "../src/cli/bench/table.ts";
import { homes, type Running, type Server, servers, start } from "./lib/servers.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    model: { type: "string", default: ".build/bench/tiny" },
    servers: { type: "string" },
    tokens: { type: "string", default: "256" },
    record: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const maxTokens = Number(options.tokens);
const model = options.model;

const metrics = {
  health: "start to /health 200, s",
  ready: "start to first completion, s",
  first: "first token, ms",
  firstLong: "first token after 500 words, ms",
  one: "one stream, tokens/s",
  oneAfter: "one stream after its first, tokens/s",
  eight: "8 streams, tokens/s",
  eightAfter: "8 streams after the last first, tokens/s",
  firstEight: "last first token of 8, ms",
  rss: "resident memory, MB",
  pss: "proportional memory, MB",
  processes: "processes",
} as const;
type Metric = keyof typeof metrics;
type Measured = Partial<Record<Metric, number>>;

let asked = 0;

/** Sends `count` streams at once, with prompts that were never sent before in this run. */
function load({ url, model }: Running, count: number, words = 24, tokens = maxTokens): Promise<Answer[]> {
  return streamChats(
    url,
    Array.from({ length: count }, () => ({ model, prompt: plainPrompt(words, asked++, 0), maxTokens: tokens })),
  );
}

/** Tokens of all streams over the time from the first request sent to the last stream ended. */
function rate(streams: Answer[]): number {
  const seconds = (Math.max(...streams.map(endOf)) - Math.min(...streams.map(s => s.sentAt))) / 1000;
  return streams.reduce((sum, s) => sum + s.tokens, 0) / seconds;
}

/** The same from the moment when all streams have text; a frame with text counts for its share of the stream's tokens. */
function rateAfterFirst(streams: Answer[]): number {
  const begin = Math.max(...streams.map(s => s.sentAt + s.textMs[0]!));
  const seconds = (Math.max(...streams.map(endOf)) - begin) / 1000;
  return streams.reduce((sum, s) => sum + (s.tokens * s.textMs.filter(ms => s.sentAt + ms > begin).length) / s.textMs.length, 0) / seconds;
}

const wait = (s: Answer) => s.textMs[0]!;
const endOf = (s: Answer) => s.sentAt + s.endMs;

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < times; i++) results.push(await work());
  return results;
}

async function measure(server: Server): Promise<Measured> {
  const running = await start(server, model);
  try {
    const { healthMs, completionMs } = running;
    const first = asked;
    await load(running, 1);
    await load(running, 8);
    await load(running, 1, 500, 8);
    const singles = (await repeat(3, () => load(running, 1))).flat();
    const eights = await repeat(2, () => load(running, 8));
    const longs = (await repeat(3, () => load(running, 1, 500, 8))).flat();
    const memory = treeMemory(running.pid);
    check(server, first, singles, eights.flat());
    return {
      health: healthMs / 1000,
      ready: completionMs / 1000,
      first: median(singles.map(wait)),
      firstLong: median(longs.map(wait)),
      one: median(singles.map(s => rate([s]))),
      oneAfter: median(singles.map(s => rateAfterFirst([s]))),
      eight: median(eights.map(rate)),
      eightAfter: median(eights.map(rateAfterFirst)),
      firstEight: median(eights.map(streams => Math.max(...streams.map(wait)))),
      rss: memory.rss,
      ...(memory.pss === undefined ? {} : { pss: memory.pss }),
      processes: memory.processes,
    };
  } finally {
    await running.stop();
  }
}

/** By the first prompt's number: what each server made of the same prompts. */
const work = new Map<number, Map<string, string>>();

/** Says so where servers did not do the same work: other counts of tokens, or another text from a single stream. */
function check(server: Server, first: number, singles: Answer[], eights: Answer[]): void {
  const all = [...singles, ...eights];
  const odd = all.filter(s => s.tokens !== maxTokens).length;
  if (odd > 0) console.log(`  ${server.name}: ${odd} of ${all.length} streams did not give ${maxTokens} tokens; rates use the real counts`);
  const done = work.get(first) ?? new Map<string, string>();
  const read = singles.reduce((sum, s) => sum + s.promptTokens, 0);
  work.set(first, done.set(server.name, `${read} prompt tokens, text ${Bun.hash(singles.map(s => s.text).join()).toString(36)}`));
  if (new Set(done.values()).size > 1) console.log(`  not the same work: ${[...done].map(([name, what]) => `${name}: ${what}`).join("; ")}`);
}

/** A first start that is not measured: it unpacks, compiles and reads into the page cache what the next ones need. */
async function starts(server: Server): Promise<boolean> {
  try {
    await (await start(server, model)).stop();
    return true;
  } catch (error) {
    console.log(`${server.name} is left out: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

async function measureAll(chosen: Server[]): Promise<Map<Server, Measured[]>> {
  const results = new Map<Server, Measured[]>(chosen.map(server => [server, []]));
  for (let round = 0; round < rounds; round++) {
    const first = asked;
    for (let turn = 0; turn < chosen.length; turn++) {
      const server = chosen[(round + turn) % chosen.length];
      if (!server) continue;
      asked = first; // every server gets the same prompts
      const measured = await measure(server);
      results.get(server)?.push(measured);
      console.log(`round ${round + 1} ${server.name}: ${JSON.stringify(measured, (_, v) => (typeof v === "number" ? Number(v.toPrecision(4)) : v))}`);
    }
  }
  return results;
}

/** The values of one metric, one per round; empty where it is not known here. */
const series = (measured: Measured[], metric: Metric) => measured.map(m => m[metric]).filter(v => v !== undefined);

/** Ours over theirs, round by round, so that a machine that slows down for a while slows both. */
function ratios(ourValues: number[], theirValues: number[]): number[] {
  return ourValues.map((value, round) => value / (theirValues[round] ?? NaN));
}

function print(results: Map<Server, Measured[]>, own: Measured[] | undefined): void {
  const names = [...results.keys()].map(s => s.name);
  const peers = own ? names.filter(n => n !== "pippin") : [];
  const rows = [["", ...names, ...peers.map(n => `pippin/${n}`)]];
  for (const metric of Object.keys(metrics) as Metric[]) {
    const cells = [...results.values()].map(m => series(m, metric));
    if (cells.some(values => values.length === 0)) continue;
    const compared = [...results].filter(([s]) => peers.includes(s.name)).map(([, m]) => ratios(series(own ?? [], metric), series(m, metric)));
    rows.push([metrics[metric], ...[...cells, ...compared].map(values => shortSpread(spread(values)))]);
  }
  console.log(`\n${table(rows)}`);
}

function record(results: Map<Server, Measured[]>, own: Measured[] | undefined): void {
  const rows: Row[] = [];
  for (const [server, measured] of results) {
    for (const metric of Object.keys(metrics) as Metric[]) {
      const values = series(measured, metric);
      if (values.length === 0) continue;
      const { median: middle, min, max } = spread(values);
      const ratio = own && server.name !== "pippin" ? spread(ratios(series(own, metric), values)) : undefined;
      const digits = (value: number | undefined) => value?.toPrecision(4);
      rows.push({
        ...where,
        ...{ model: model.split("/").at(-1), server: server.name, versions: server.versions, server_command: server.shown },
        ...{ metric: metrics[metric], median: digits(middle), min: digits(min), max: digits(max) },
        ...{ ours_over_theirs: digits(ratio?.median), ratio_min: digits(ratio?.min), ratio_max: digits(ratio?.max) },
      });
    }
  }
  appendCsv("bench/results/serve.csv", rows);
}

if (!existsSync(`${model}/config.json`)) throw new Error(`no checkpoint at ${model}; bench/README.md says how to make one`);
const available = servers();
const wanted = options.servers?.split(",") ?? available.map(s => s.name);
const chosen = available.filter(s => wanted.includes(s.name));
for (const name of wanted) if (!chosen.some(s => s.name === name)) console.log(`${name} is not built or installed here: left out`);
for (const server of chosen) console.log(`${server.name} (${server.versions}): ${server.shown}`);
rmSync(homes, { recursive: true, force: true });
mkdirSync(homes, { recursive: true });

const where = circumstances(`bun bench/serve.ts --rounds ${rounds} --tokens ${maxTokens}`); // before the run adds to the load
const usable: Server[] = [];
for (const server of chosen) if (await starts(server)) usable.push(server);
const results = await measureAll(usable);
const own = [...results].find(([server]) => server.name === "pippin")?.[1];
print(results, own);
if (options.record) record(results, own);
