// The options of the bench commands. Those that load a model take everything that says how `serve` would run it.
import { closeSync, openSync } from "node:fs";
import { checkEngineOptions, gemma3SlidingWindow, readOptions, serveOptions, type ServeConfig } from "../../config.ts";
import { usageError } from "../error.ts";
import { choice, decimal, defaultsOf, integer, json, list, text, toggle, type Options, type Values } from "../options.ts";
import { confidences } from "./statistics.ts";

const bench = "Bench";
const notOfEngines = new Set(["Server", "Chat", serveOptions.embeddingModel.section, serveOptions.maxTokens.section]);
const ofRequests = new Set(["servedModelName", "strictModelId", "adapterPath", "repetitionPolicy", "trustRequestsWhenAuthDisabled", "warmPrompts"]);

/** The options of `serve` that shape the engine. */
const engineOptions = Object.fromEntries(
  Object.entries(serveOptions).filter(([key, option]) => !notOfEngines.has(option.section) && !ofRequests.has(key)),
);

const maxTokens = (value: number) =>
  integer({ section: bench, value: "TOKENS", default: value, min: 1, max: 2 ** 31, help: "length of each answer" });
const jsonOut = text({ section: bench, value: "FILE", default: undefined, help: "write all figures there as JSON" });

const benchOptions = {
  numPrompts: integer({ section: bench, default: 10, min: 1, max: 10, help: "how many of the ten prompts are sent" }),
  maxTokens: maxTokens(100),
  warmup: integer({ section: bench, default: 0, min: 0, max: 100, help: "passes that are not counted" }),
  passes: integer({ section: bench, default: 1, min: 1, max: 1000, help: "passes that are counted" }),
  ignoreEos: toggle({ section: bench, default: false, help: "every answer has its full length" }),
  invariance: toggle({ section: bench, default: false, help: "measure instead whether answers change when requests run together" }),
  concurrency: list({ section: bench, value: "N,…", default: ["10"], help: "with --invariance: requests at a time" }),
  runs: integer({ section: bench, default: 5, min: 1, max: 1000, help: "with --invariance: repetitions" }),
  confidence: choice({ section: bench, choices: confidences, default: "0.95", help: "with --invariance: confidence of the interval" }),
  promptsFile: text({ section: bench, value: "FILE", default: undefined, help: "a prompt per line, in the place of the ten" }),
  jsonOut,
};

export const detokOptions = {
  iterations: integer({ section: bench, default: 5, min: 1, max: 10_000, help: "repetitions, of which the mean is told" }),
  tokens: integer({ section: bench, default: 2000, min: 1, max: 1_000_000, help: "length of the text" }),
};

export const kvCacheOptions = {
  layers: integer({ section: bench, default: 32, min: 1, max: 1024, help: "attention layers" }),
  seqLen: integer({ section: bench, default: 512, min: 1, max: 2 ** 20, help: "tokens held" }),
  heads: integer({ section: bench, default: 32, min: 1, max: 1024, help: "key and value heads" }),
  headDim: integer({ section: bench, default: 128, min: 32, max: 1024, help: "width of a head" }),
  groupSize: integer({ section: bench, default: 64, min: 32, max: 128, help: "numbers that share a scale: 32, 64 or 128" }),
  device: choice({ section: bench, choices: ["auto", "cpu", "gpu"], default: "auto", help: "where tensors are computed" }),
};

export const benchServeOptions = {
  url: text({ section: bench, value: "URL", default: "http://127.0.0.1:8000", help: "an OpenAI-compatible server, with or without /v1" }),
  model: text({ section: bench, value: "NAME", default: undefined, help: "the model asked for; the server's first otherwise" }),
  apiKey: text({
    section: bench,
    value: "KEY",
    default: undefined,
    secret: true,
    help: "key that is sent as a bearer token; better given by environment",
  }),
  prompts: list({ section: bench, value: "SET,…", default: ["short", "medium"], help: "built-in prompt sets: short, medium, long or shared" }),
  promptFile: text({ section: bench, value: "FILE", default: undefined, help: "a prompt per line, in the place of the sets" }),
  systemPromptFile: text({ section: bench, value: "FILE", default: undefined, help: "system message that goes before every prompt" }),
  concurrency: list({ section: bench, value: "N,…", default: ["1", "4"], help: "requests at a time" }),
  requestRate: decimal({
    section: bench,
    value: "N",
    default: undefined,
    min: 0.001,
    max: 100_000,
    help: "requests begun a second, at random (Poisson); at once otherwise",
  }),
  numPrompts: integer({ section: bench, default: 8, min: 1, max: 1_000_000, help: "requests in each repetition" }),
  maxTokens: maxTokens(256),
  temperature: decimal({ section: bench, default: 0, min: 0, max: 2, help: "temperature of every request" }),
  repetitions: integer({ section: bench, default: 3, min: 1, max: 1000, help: "repetitions of each case" }),
  warmup: integer({ section: bench, default: 1, min: 0, max: 1000, help: "requests before each case that are not counted" }),
  extraBody: json({ section: bench, default: {}, help: 'further fields of every request, such as {"top_k":1}' }),
  requestTimeoutS: decimal({ section: bench, value: "SECONDS", default: 300, min: 1, max: 86_400, help: "longest time for one request" }),
  seed: integer({ section: bench, default: 0, min: 0, max: 2 ** 32 - 1, help: "what prompts and arrival times follow from" }),
  tag: text({ section: bench, value: "TEXT", default: undefined, help: "text that stands in every row" }),
  format: choice({ section: bench, choices: ["table", "json", "csv"], default: "table", help: "form of what is printed" }),
  output: text({ section: bench, value: "FILE", default: undefined, help: "write rows there too: .json or .csv" }),
};

/** The defaults that vllm-mlx's bench has. */
const table = {
  ...benchOptions,
  ...engineOptions,
  runtimeMode: { ...serveOptions.runtimeMode, default: "batched" as const },
  maxNumSeqs: { ...serveOptions.maxNumSeqs, default: 32 },
  prefillBatchSize: { ...serveOptions.prefillBatchSize, default: 8 },
  completionBatchSize: { ...serveOptions.completionBatchSize, default: 16 },
};

export const benchTables: Readonly<Record<string, Options>> = {
  bench: table,
  "bench-detok": detokOptions,
  "bench-kv-cache": kvCacheOptions,
  "bench-serve": benchServeOptions,
};

export interface BenchConfig {
  readonly bench: Values<typeof benchOptions>;
  readonly engine: ServeConfig;
}

export function readBenchConfig(args: readonly string[]): BenchConfig {
  const { values, positionals } = readOptions("bench", table, args);
  const given: Partial<Values<typeof serveOptions>> = values;
  const engine = { ...defaultsOf(serveOptions), ...given, modelPath: onlyModel(positionals), gemma3SlidingWindow: gemma3SlidingWindow() };
  checkEngineOptions(engine);
  checkOutput("--json-out", values.jsonOut);
  return { bench: values, engine };
}

/** Whether a file can be written, before anything is measured for it. Throws CliError. */
export function checkOutput(flag: string, file: string | undefined): void {
  try {
    if (file !== undefined) closeSync(openSync(file, "a"));
  } catch (error) {
    throw usageError(`${flag}: ${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}

/** The one positional argument of a command that takes a model folder. */
export function onlyModel(positionals: readonly string[]): string | undefined {
  if (positionals.length > 1) throw usageError(`one model folder is measured at a time, not ${positionals.length}: ${positionals.join(" ")}`);
  return positionals[0];
}

/** Whole numbers of a list option. */
export function counts(name: string, items: readonly string[]): number[] {
  return items.map(item => {
    if (!/^[1-9]\d{0,5}$/.test(item)) throw usageError(`${name} takes whole numbers from 1 to 999999, not ${JSON.stringify(item)}`);
    return Number(item);
  });
}
