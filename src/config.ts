// The one table of settings, and the one place that reads the environment. What a command gets is frozen.
import { homedir } from "node:os";
import { join } from "node:path";
import { usageError } from "./cli/error.ts";
import { warnOfIdle } from "./cli/idle-options.ts";
import {
  choice,
  decimal,
  integer,
  json,
  list,
  orAuto,
  parseArguments,
  text,
  toggle,
  type Options,
  type ParsedArguments,
  type Values,
} from "./cli/options.ts";
import { isLoopback } from "./util/loopback.ts";

const server = "Server";
const model = "Model";
const batching = "Batching";
const guards = "Guards";
const prefixes = "Prefix cache";
const encoders = "Embeddings and reranking";
const chat = "Chat";
const sampling = "Where a request says nothing (the checkpoint decides what is not given here either)";

const packings = ["none", "2", "3", "4", "5", "6", "8", "mxfp4", "mxfp8", "nvfp4", "mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"] as const;
const quantize = choice({ section: model, choices: packings, default: "none", help: "pack dense weights with so many bits, or in this form" });
const quantizeGroupSize = integer({ section: model, default: 64, min: 32, max: 128, help: "numbers that share a scale: 32, 64 or 128" });
const device = choice({ section: model, choices: ["auto", "cpu", "gpu"], default: "auto", help: "where tensors are computed" });

/** In the order in which `help serve` lists them. A setting stands here only when it works. */
export const serveOptions = {
  host: text({ section: server, value: "ADDRESS", default: "127.0.0.1", help: "address to listen on; any but loopback needs an API key" }),
  localhost: toggle({ section: server, default: false, help: "listen on 127.0.0.1 whatever --host says" }),
  port: integer({ section: server, value: "PORT", default: 8000, min: 0, max: 65535, help: "port to listen on; 0 picks a free one" }),
  apiKey: text({ section: server, value: "KEY", default: undefined, secret: true, help: "key that clients must send; better given by environment" }),
  allowUnauthenticated: toggle({ section: server, default: false, help: "listen on the network without an API key" }),
  allowedHosts: list({ section: server, value: "NAME,…", default: [], help: "further host names that clients may call this server by" }),
  corsOrigins: list({ section: server, value: "ORIGIN,…", default: [], help: "web pages that may call this server, such as http://localhost:3000" }),
  timeout: decimal({ section: server, value: "SECONDS", default: 300, min: 1, max: 86_400, help: "longest time for an answer that is not streamed" }),
  dataDir: text({
    section: server,
    value: "DIR",
    default: undefined,
    help: "folder for uploaded files and batches; in the user's data folder otherwise",
  }),
  servedModelName: text({ section: model, value: "NAME", default: undefined, help: "the model's name in the API; its folder's name otherwise" }),
  strictModelId: toggle({ section: model, default: false, help: "answer 400 unless a request names the model itself, or default" }),
  maxModelLen: integer({
    section: model,
    value: "TOKENS",
    default: undefined,
    min: 1,
    max: 2 ** 31,
    help: "lower the context length that the checkpoint states",
  }),
  device,
  warmUp: choice({
    section: model,
    choices: ["auto", "on", "off"],
    default: "auto",
    help: "before it is ready, try out what requests will need, so that none waits while kernels are compiled; auto does so on a GPU",
  }),
  quantize,
  quantizeGroupSize,
  adapterPath: list({
    section: model,
    value: "[NAME=]FOLDER,…",
    default: [],
    help: "low-rank adapters of mlx-lm or PEFT; requests choose one as MODEL:NAME, and the model's own name is the model without any",
  }),
  maxKvSize: integer({
    section: model,
    value: "TOKENS",
    default: undefined,
    min: 1,
    max: 2 ** 31,
    help: "most tokens of prompt and answer that are kept for one request; it ends there, and forgets nothing before",
  }),
  gpuMemoryUtilization: decimal({
    section: model,
    value: "SHARE",
    default: 0.9,
    min: 0.01,
    max: 1,
    help: "share of the device's memory that weights, requests and stored prefixes may take together",
  }),
  maxNumSeqs: integer({ section: batching, default: 256, min: 1, max: 4096, help: "sequences that read or write at a time" }),
  completionBatchSize: integer({
    section: batching,
    default: undefined,
    min: 1,
    max: 4096,
    help: "sequences that write together; as many as --max-num-seqs allows otherwise",
  }),
  prefillBatchSize: integer({ section: batching, default: 8, min: 1, max: 4096, help: "prompts read between two decode steps" }),
  maxQueue: integer({ section: batching, default: 1024, min: 0, max: 1_000_000, help: "sequences that may wait; one more is answered with 429" }),
  prefillStepSize: integer({
    section: batching,
    value: "TOKENS",
    default: undefined,
    min: 1,
    max: 65_536,
    help: "most prompt tokens read in a step; 2048 otherwise, and 512 on the CPU, where attention keeps all its products in memory",
  }),
  chunkedPrefillTokens: integer({
    section: batching,
    value: "TOKENS",
    default: 0,
    min: 0,
    max: 65_536,
    help: "most prompt tokens read in a step while answers are written; 0 follows --prefill-stall-ms",
  }),
  prefillStallMs: integer({
    section: batching,
    value: "MS",
    default: 100,
    min: 1,
    max: 60_000,
    help: "how much longer a step may take because it also reads prompts, while answers are written",
  }),
  streamInterval: integer({ section: batching, value: "TOKENS", default: 1, min: 1, max: 4096, help: "tokens per chunk of a streamed answer" }),
  runtimeMode: choice({
    section: batching,
    choices: ["auto", "simple", "batched"],
    default: "auto",
    help: "simple answers one request at a time; auto batches once requests meet",
  }),
  runtimeModeThreshold: integer({
    section: batching,
    default: 2,
    min: 1,
    max: 4096,
    help: "requests at a time, in this run or an earlier one, from which on auto batches",
  }),
  continuousBatching: toggle({ section: batching, default: false, help: "auto batches from the start" }),
  repetitionPolicy: choice({
    section: guards,
    choices: ["off", "safe", "strict"],
    default: "off",
    help: "ends an answer that goes round in circles: safe after 8 equal tokens or 6 equal patterns of up to 4, strict after 4 of up to 6",
  }),
  trustRequestsWhenAuthDisabled: toggle({
    section: guards,
    default: false,
    help: "let requests without a key choose their repetition policy on a server that the network reaches",
  }),
  memoryWarnThreshold: decimal({
    section: guards,
    value: "PERCENT",
    default: 70,
    min: 0.1,
    max: 100,
    help: "use of the device's memory above which the log says so",
  }),
  memoryLimitThreshold: decimal({
    section: guards,
    value: "PERCENT",
    default: 85,
    min: 0.1,
    max: 100,
    help: "use of the device's memory above which --memory-action is taken",
  }),
  memoryAction: choice({
    section: guards,
    choices: ["warn", "reduce-context", "reject-new"],
    default: "warn",
    help: "reduce-context halves what new requests may write, reject-new answers them with 503",
  }),
  memoryMonitorInterval: decimal({ section: guards, value: "SECONDS", default: 5, min: 0.1, max: 86_400, help: "time between two looks at memory" }),
  batchDivergenceMonitor: toggle({ section: guards, default: false, help: "write answers from batches again alone, now and then, and compare" }),
  batchDivergenceInterval: decimal({
    section: guards,
    value: "SECONDS",
    default: 300,
    min: 1,
    max: 86_400,
    help: "time between two comparisons of --batch-divergence-monitor",
  }),
  batchDivergenceThreshold: decimal({
    section: guards,
    value: "SHARE",
    default: 0.95,
    min: 0.001,
    max: 1,
    help: "share of equal tokens below which --batch-divergence-monitor warns",
  }),
  batchDivergenceAction: choice({
    section: guards,
    choices: ["warn", "serialize"],
    default: "warn",
    help: "what follows such a warning: serialize runs requests one at a time for an interval",
  }),
  deterministic: toggle({
    section: batching,
    default: false,
    help: "temperature 0 and top_p 1 for every request; on a GPU, where a batch may change numbers, one request at a time without stored prefixes",
  }),
  disablePrefixCache: toggle({ section: prefixes, default: false, help: "read every prompt from its start" }),
  cacheStrategy: choice({
    section: prefixes,
    choices: ["auto", "memory-aware", "paged", "legacy"],
    default: "auto",
    help: "what limits stored prefixes beside memory: nothing, blocks (paged) or sequences (legacy); auto is memory-aware",
  }),
  warmPrompts: text({
    section: prefixes,
    value: "FILE",
    default: undefined,
    help: "a JSON list of conversations, each a list of messages, that are read at the start and stored",
  }),
  cacheMemoryMb: integer({
    section: prefixes,
    value: "MB",
    default: undefined,
    min: 1,
    max: 2 ** 31,
    help: "most memory for stored prefixes; what --cache-memory-percent gives otherwise",
  }),
  cacheMemoryPercent: decimal({
    section: prefixes,
    value: "SHARE",
    default: 0.2,
    min: 0.001,
    max: 1,
    help: "share of the memory that is free at the start, for stored prefixes without --cache-memory-mb",
  }),
  usePagedCache: toggle({ section: prefixes, default: false, help: "another name of --cache-strategy paged, where that is auto" }),
  noMemoryAwareCache: toggle({ section: prefixes, default: false, help: "another name of --cache-strategy legacy, where that is auto" }),
  maxCacheBlocks: integer({ section: prefixes, default: undefined, min: 1, max: 2 ** 31, help: "most stored blocks; 1000 with the strategy paged" }),
  prefixCacheSize: integer({
    section: prefixes,
    default: undefined,
    min: 1,
    max: 2 ** 31,
    help: "most stored sequences; 100 with the strategy legacy",
  }),
  ssdCacheDir: text({ section: prefixes, value: "DIR", default: undefined, help: "also keep stored prefixes in this folder, over restarts" }),
  ssdCacheMaxGb: decimal({
    section: prefixes,
    value: "GB",
    default: 10,
    min: 0.001,
    max: 1_000_000,
    help: "most that all files in --ssd-cache-dir may take",
  }),
  kvCacheQuantization: toggle({ section: prefixes, default: false, help: "pack keys and values, in running and stored sequences" }),
  kvCacheQuantizationBits: choice({ section: prefixes, choices: ["4", "8"], default: "8", help: "bits of a packed key or value" }),
  kvCacheQuantizationGroupSize: choice({
    section: prefixes,
    choices: ["32", "64", "128"],
    default: "64",
    help: "keys or values that share a scale; must divide the model's head dimension",
  }),
  kvCacheMinQuantizeTokens: integer({
    section: prefixes,
    value: "TOKENS",
    default: 256,
    min: 0,
    max: 2 ** 31,
    help: "first tokens of every sequence that --kv-cache-quantization leaves exact",
  }),
  pagedCacheBlockSize: integer({ section: prefixes, value: "TOKENS", default: 64, min: 1, max: 4096, help: "tokens per stored block" }),
  embeddingModel: text({
    section: encoders,
    value: "FOLDER",
    default: undefined,
    help: "embedding model that is loaded at the start, and the only one; without it clients name models of the Hugging Face cache",
  }),
  embeddingMaxLength: orAuto(
    integer({
      section: encoders,
      value: "TOKENS",
      default: undefined,
      min: 4,
      max: 2 ** 31,
      help: "longest text that is embedded, no more than the model takes; auto is what its authors used",
    }),
  ),
  embeddingOverflowPolicy: choice({
    section: encoders,
    choices: ["truncate", "error"],
    default: "truncate",
    help: "what happens to longer texts, and to longer pairs for rerankers",
  }),
  rerankModel: text({
    section: encoders,
    value: "FOLDER",
    default: undefined,
    help: "reranker that is loaded at the start, and the only one, likewise",
  }),
  chatTemplate: text({ section: chat, value: "FILE", default: undefined, help: "a Jinja template in the place of the model's own" }),
  defaultChatTemplateKwargs: json({ section: chat, default: {}, help: 'variables of the template, such as {"enable_thinking":false}' }),
  toolCallParser: text({
    section: chat,
    value: "NAME",
    default: "auto",
    help: "how the model writes tool calls; auto recognises it, none leaves text",
  }),
  reasoningParser: text({
    section: chat,
    value: "NAME",
    default: "auto",
    help: "how the model writes its reasoning; auto recognises it, none leaves text",
  }),
  maxThinkingTokens: integer({
    section: chat,
    value: "TOKENS",
    default: undefined,
    min: 0,
    max: 2 ** 31 - 1,
    help: "most tokens of reasoning where a request says nothing; then the model is made to answer",
  }),
  defaultThinkingTokenBudget: integer({
    section: chat,
    value: "TOKENS",
    default: undefined,
    min: 0,
    max: 2 ** 31 - 1,
    help: "another name of --max-thinking-tokens",
  }),
  maxTokens: integer({ section: sampling, value: "TOKENS", default: 32_768, min: 1, max: 2 ** 31 - 1, help: "longest answer" }),
  defaultTemperature: decimal({ section: sampling, default: undefined, min: 0, max: 2, help: "0 always takes the likeliest token" }),
  defaultTopP: decimal({ section: sampling, default: undefined, min: 0, max: 1, help: "draw from the likeliest tokens with this much probability" }),
  defaultTopK: integer({
    section: sampling,
    default: undefined,
    min: 0,
    max: 2 ** 31,
    help: "draw from that many of the likeliest tokens; 0 is off",
  }),
  defaultMinP: decimal({
    section: sampling,
    default: undefined,
    min: 0,
    max: 1,
    help: "drop tokens below this share of the likeliest one's probability",
  }),
  defaultRepetitionPenalty: decimal({ section: sampling, default: undefined, min: 0.01, max: 10, help: "above 1 repeats less; 1 is off" }),
  defaultFrequencyPenalty: decimal({
    section: sampling,
    default: undefined,
    min: -2,
    max: 2,
    help: "subtracted from a token's logit for each time the answer has it",
  }),
  defaultPresencePenalty: decimal({
    section: sampling,
    default: undefined,
    min: -2,
    max: 2,
    help: "subtracted from a token's logit once the answer has it",
  }),
  frequencyPenaltyMode: choice({
    section: sampling,
    choices: ["openai", "repetition"],
    default: "openai",
    help: "what a request's frequency_penalty p means: OpenAI's, or vllm-mlx's, a repetition penalty of 1 + p",
  }),
};

export const convertOptions = {
  quantize,
  quantizeGroupSize,
  dtype: choice({
    section: model,
    choices: ["stored", "bfloat16", "float16", "float32"],
    default: "stored",
    help: "type of numbers that are not packed, and of scales",
  }),
  device,
};

export type ServeConfig = Values<typeof serveOptions> & {
  readonly modelPath: string | undefined;
  readonly gemma3SlidingWindow: number | undefined; // 0 is full attention
};

/** Flags that users bring from vllm-mlx and vLLM. Once one works it moves up into the table. */
const needless = {
  "--enable-prefix-cache": "prefixes are stored unless --disable-prefix-cache is given",
  "--enable-auto-tool-choice": "the model may always choose a tool that a request offers",
};
const unsupported = new Set(
  words(`--mllm-prefill-step-size
  --effective-context-tokens
  --enable-mtp --mtp-num-draft-tokens --mtp-optimistic --mcp-config --rate-limit
  --mllm --disable-mllm-vision-cache --mllm-vision-cache-size
  --download-timeout --download-retries --offline --models-config --memory-budget-gb
  --max-request-tokens --specprefill
  --specprefill-threshold --specprefill-keep-pct --specprefill-backbone-pct --specprefill-draft-model --prefix-trie-cache
  --prefix-trie-cache-size --prefix-trie-cache-memory-mb --mllm-draft-model --mllm-draft-kind --mllm-draft-block-size
  --default-mllm-draft --enable-metrics --auto-unload-idle-seconds --lazy-load-model --max-audio-upload-mb --max-tts-input-chars
  --trust-remote-code --config
  --download-dir --tokenizer --dtype --quantization --seed --max-num-batched-tokens --swap-space --tensor-parallel-size
  --pipeline-parallel-size --guided-decoding-backend --enable-lora --speculative-config --log-level`),
);

function words(text: string): string[] {
  return text.split(/\s+/);
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface Read<C> {
  readonly config: C;
  readonly warnings: readonly string[];
}

/** Flags, then the environment, then defaults. Throws CliError with one line for whatever does not hold. */
export function readServeConfig(args: readonly string[], environment: Environment = process.env): Read<ServeConfig> {
  const { values, positionals, warnings } = parseArguments(serveOptions, args, environment, { unsupported, needless, command: "serve" });
  if (positionals.length > 1) throw usageError(`serve takes one model folder, not ${positionals.length}: ${positionals.join(" ")}`);
  checkEngineOptions(values);
  const { maxThinkingTokens, defaultThinkingTokenBudget } = values;
  if (maxThinkingTokens !== undefined && defaultThinkingTokenBudget !== undefined && maxThinkingTokens !== defaultThinkingTokenBudget)
    throw usageError("--max-thinking-tokens and --default-thinking-token-budget are one setting and cannot differ");
  const host = values.localhost ? "127.0.0.1" : values.host;
  if (!isLoopback(host) && values.apiKey === undefined && !values.allowUnauthenticated)
    throw usageError(`${host} is reachable from the network: set PIPPIN_API_KEY, or give --allow-unauthenticated to let everybody in`);
  const config = Object.freeze({ ...values, host, modelPath: positionals[0], gemma3SlidingWindow: gemma3SlidingWindow(environment) });
  return { config, warnings: [...warnings, ...warnOfIdle(serveOptions, values)] };
}

/** Throws CliError for settings of an engine that contradict each other. */
export function checkEngineOptions(values: Values<typeof serveOptions>): void {
  const { memoryLimitThreshold: limit, memoryWarnThreshold: warn, disablePrefixCache, ssdCacheDir, cacheStrategy } = values;
  if (limit <= warn) throw usageError(`--memory-limit-threshold must be above --memory-warn-threshold, and ${limit} is not above ${warn}`);
  const storing = ssdCacheDir !== undefined ? "--ssd-cache-dir" : cacheStrategy !== "auto" ? `--cache-strategy ${cacheStrategy}` : undefined;
  if (disablePrefixCache && storing !== undefined)
    throw usageError(`${storing} stores prefixes and --disable-prefix-cache does not: give one of them`);
}

/** Named as in vllm-mlx, so that it stands in no table of PIPPIN_ variables. */
export function gemma3SlidingWindow({ GEMMA3_SLIDING_WINDOW: text }: Environment = process.env): number | undefined {
  if (!text) return undefined;
  if (/^\d+$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw usageError(`GEMMA3_SLIDING_WINDOW takes a whole number of positions, 0 for full attention, not ${JSON.stringify(text)}`);
}

/** The options of another command; flags of other servers are known there too. Prints warnings, throws CliError with one line. */
export function readOptions<O extends Options>(
  command: string,
  options: O,
  args: readonly string[],
  { positionals: most = Infinity, environment = process.env as Environment } = {},
): ParsedArguments<O> {
  const read = parseArguments(options, args, environment, { unsupported, needless, command });
  for (const warning of [...read.warnings, ...warnOfIdle(options, read.values)]) console.error(`warning: ${warning}`);
  if (read.positionals.length > most) throw usageError(`${command} takes no argument ${JSON.stringify(read.positionals[most])}`);
  return read;
}

/** Where unpacked files go: the system's folder for what can be made again. */
export function cacheFolder(environment: Environment = process.env, platform: string = process.platform): string {
  if (environment.XDG_CACHE_HOME?.startsWith("/")) return join(environment.XDG_CACHE_HOME, "pippin");
  const home = environment.HOME || homedir();
  return platform === "darwin" ? join(home, "Library/Caches/pippin") : join(home, ".cache/pippin");
}

/** Where files and batches stay over restarts. */
export function dataFolder(environment: Environment = process.env, platform: string = process.platform): string {
  if (environment.XDG_DATA_HOME?.startsWith("/")) return join(environment.XDG_DATA_HOME, "pippin");
  const home = environment.HOME || homedir();
  return platform === "darwin" ? join(home, "Library/Application Support/pippin") : join(home, ".local/share/pippin");
}

/** Where Hugging Face's tools keep downloaded models. */
export function hubCache(environment: Environment = process.env): string {
  const cache = environment.XDG_CACHE_HOME || `${environment.HOME || homedir()}/.cache`;
  const home = environment.HF_HOME || join(cache, "huggingface");
  return environment.HF_HUB_CACHE || join(home, "hub");
}

/** Whether to decorate what is printed to a stream. */
export function useColor(stream: { readonly isTTY?: boolean }, environment: Environment = process.env): boolean {
  return stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== "dumb";
}
