// `pippin bench-serve`: load on any OpenAI-compatible server, case by case; a row of figures for each repetition.
import { writeFileSync } from "node:fs";
import { readOptions } from "../../config.ts";
import { CliError, exitCodes, usageError } from "../error.ts";
import type { Values } from "../options.ts";
import { version } from "../version.ts";
import { figures, runLoad, type Case } from "./load.ts";
import { benchServeOptions, checkOutput, counts } from "./options.ts";
import { makeRandom, promptOf, promptSets, promptsOf, readText } from "./prompts.ts";
import { headers, streamChat, type Target } from "./stream-client.ts";
import { toText, type Row } from "./table.ts";

type Config = Values<typeof benchServeOptions>;

interface Work {
  readonly config: Config;
  readonly target: Target;
  readonly model: string;
  readonly prompt: (set: string, at: number) => string;
  readonly system: string | undefined;
}

/** Ends with exit code 1 when a request failed. */
export async function benchServe(args: readonly string[]): Promise<void> {
  const { values: config } = readOptions("bench-serve", benchServeOptions, args, { positionals: 0 });
  const sets = config.promptFile === undefined ? config.prompts : ["file"];
  for (const set of sets)
    if (set !== "file" && !promptSets.includes(set)) throw usageError(`--prompts has ${JSON.stringify(set)}; there are ${promptSets.join(", ")}`);
  const widths = counts("--concurrency", config.concurrency);
  const output = config.output;
  if (output !== undefined && !/\.(json|csv)$/.test(output)) throw usageError(`--output ends in .json or .csv, not ${JSON.stringify(output)}`);
  checkOutput("--output", output);
  const work = await prepare(config);
  const rows: Row[] = [];
  for (const set of sets) for (const width of widths) rows.push(...(await runCase(work, set, width)));
  process.stdout.write(toText(config.format === "table" ? rows.map(narrow) : rows, config.format));
  if (output !== undefined) writeFileSync(output, toText(rows, output.endsWith(".json") ? "json" : "csv"));
  if (rows.some(row => row["failed"] !== 0)) process.exitCode = exitCodes.failed;
}

async function prepare(config: Config): Promise<Work> {
  const url = config.url.replace(/\/+$/, "");
  if (!/^https?:\/\//.test(url)) throw usageError(`--url begins with http:// or https://, unlike ${JSON.stringify(config.url)}`);
  const target = { url: url.endsWith("/v1") ? url : `${url}/v1`, apiKey: config.apiKey, timeoutSeconds: config.requestTimeoutS };
  const lines = config.promptFile === undefined ? [] : promptsOf(config.promptFile);
  return {
    config,
    target,
    model: config.model ?? (await firstModel(target)),
    prompt: (set, at) => (set === "file" ? lines[at % lines.length]! : promptOf(set, at, config.seed)),
    system: config.systemPromptFile === undefined ? undefined : readText(config.systemPromptFile),
  };
}

async function firstModel(target: Target): Promise<string> {
  const failed = (why: string) => new CliError(`${target.url} does not answer: ${why}`, exitCodes.failed);
  const response = await fetch(`${target.url}/models`, { headers: headers(target) }).catch((error: Error) => {
    throw failed(error.message);
  });
  if (response.status !== 200) throw failed(`GET /models gives ${response.status}`);
  const list = (await response.json()) as { readonly data?: readonly { readonly id?: string }[] };
  const id = list.data?.[0]?.id;
  if (id === undefined) throw failed("it lists no model; name one with --model");
  return id;
}

/** Warms up, then measures each repetition with prompts that were not sent before; the set `shared` shares its beginning on purpose. */
async function runCase(work: Work, set: string, concurrency: number): Promise<Row[]> {
  const { config } = work;
  const load: Case = { concurrency, requestRate: config.requestRate, requests: config.numPrompts };
  const next = makeRandom(config.seed + concurrency);
  const random = () => next(2 ** 32) / 2 ** 32;
  const ask = (at: number) => streamChat(work.target, body(work, set, concurrency * 1_000_000 + at));
  await runLoad({ ...load, requestRate: undefined, requests: config.warmup }, at => ask(900_000 + at), random);
  const rows: Row[] = [];
  for (let repetition = 1; repetition <= config.repetitions; repetition++) {
    const outcome = await runLoad(load, at => ask(repetition * config.numPrompts + at), random);
    for (const failure of new Set(outcome.failures)) console.error(`a request failed: ${failure}`);
    rows.push({ ...circumstances(work), prompt_set: set, concurrency, repetition, ...figures(outcome) });
  }
  return rows;
}

function body({ config, model, prompt, system }: Work, set: string, at: number): Record<string, unknown> {
  return {
    model,
    messages: [...(system === undefined ? [] : [{ role: "system", content: system }]), { role: "user", content: prompt(set, at) }],
    max_tokens: config.maxTokens,
    temperature: config.temperature,
    ...config.extraBody,
  };
}

function circumstances({ config, model, target }: Work): Row {
  return {
    timestamp: new Date().toISOString(),
    tag: config.tag,
    client: `pippin ${version}`,
    url: target.url,
    model_id: model,
    request_rate: config.requestRate,
    max_tokens: config.maxTokens,
  };
}

/** What a terminal has room for. */
function narrow(row: Row): Row {
  const names = ["prompt_set", "concurrency", "requests", "failed", "ttft_p50_ms", "ttft_p95_ms", "ttft_p99_ms", "tpot_p50_ms", "tpot_p95_ms"];
  names.push("tpot_p99_ms", "gen_tps", "requests_per_s", "cache_hit_rate");
  return Object.fromEntries(names.map(name => [name, row[name]]));
}
