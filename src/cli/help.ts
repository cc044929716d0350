// What `--help` and `help serve` print, from the commands and the option table.
import { convertOptions, serveOptions } from "../config.ts";
import { benchTables } from "./bench/options.ts";
import { envName, flagName, type Option, type Options } from "./options.ts";
import { version } from "./version.ts";

const WIDTH = 100;

export const shortHelp = `pippin ${version}: a local inference server that speaks the OpenAI, Anthropic and Ollama APIs

Examples
  pippin serve                          serve the built-in model on http://127.0.0.1:8000/v1
  pippin serve ./Qwen3-0.6B-8bit        serve a model folder (config.json, safetensors, tokenizer)
  curl http://127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"messages":[{"role":"user","content":"Hello!"}]}'

Run
  serve [MODEL]           load a model and answer requests until stopped
  convert MODEL FOLDER    write a checkpoint in MLX's layout, packed with --quantize

Measure
  bench [MODEL]           tokens per second; with --invariance, whether company changes answers
  bench-serve             load on any OpenAI-compatible server: latencies, rates, cache hits
  bench-detok [MODEL]     cost of turning tokens into text
  bench-kv-cache          memory, error and time of quantized keys and values

Learn
  help [COMMAND]          this page, or everything about one command
  --version               print the version

Stop a server with Ctrl-C: running requests finish first; a second Ctrl-C stops at once.
Every option of serve and its environment variable: pippin help serve
`;

function lines(key: string, option: Option<unknown>): string {
  const left = `  ${flagName(key)}${option.value ? ` ${option.value}` : ""}`;
  const known = Array.isArray(option.default) ? option.default.join(",") : option.default;
  const told = typeof known === "number" || (typeof known === "string" && known !== "");
  const notes = [told ? `default ${known}` : "", envName(key)].filter(Boolean).join(", ");
  return `${left}\n${wrap(`${option.help} [${notes}]`, "        ")}`;
}

function wrap(text: string, indent: string): string {
  const rows = [""];
  for (const word of text.split(" ")) {
    const row = rows.at(-1)!;
    if (indent.length + row.length + 1 + word.length > WIDTH && row !== "") rows.push(word);
    else rows[rows.length - 1] = row === "" ? word : `${row} ${word}`;
  }
  return rows.map(row => indent + row).join("\n");
}

/** All options of a table, section by section. */
function optionLines(table: Options): string {
  const sections = Map.groupBy(Object.entries(table), ([, option]) => option.section);
  return [...sections].map(([section, options]) => `${section}\n${options.map(([key, option]) => lines(key, option)).join("\n")}`).join("\n\n");
}

export function serveHelp(): string {
  return `pippin serve [MODEL] [OPTIONS]: load a model and answer requests until stopped

MODEL is a folder with config.json, *.safetensors and tokenizer.json, or the name of a model that the Hugging Face
cache holds, such as org/name; without it the built-in model is served.
Flags win over environment variables, which win over defaults. The server has loaded its model when it
prints its address. SIGTERM and SIGINT let running requests finish and refuse new ones; a second one stops
at once. Exit codes: 0 stopped, 1 failed, 2 wrong usage, 3 model not found, 4 not enough memory.

${optionLines(serveOptions)}
`;
}

export function convertHelp(): string {
  return `pippin convert MODEL FOLDER [OPTIONS]: write a checkpoint in MLX's layout, for this server and for mlx-lm

MODEL may be in Hugging Face's layout or MLX's, dense, in fp8, or packed in part. Tokenizer and templates come along.
--quantize takes bits (2, 3, 4, 5, 6, 8), a floating-point form, or a recipe with few bits for most matrices and more for
those that lose most. Routers of experts stay as they are.

${optionLines(convertOptions)}
`;
}

const benchIntroductions: Readonly<Record<string, string>> = {
  bench: `pippin bench [MODEL] [OPTIONS]: tokens per second of an engine of its own

Sends ten prompts together, without a chat template, at temperature 0.7, and prints the figures that vllm-mlx's bench
prints. Loading is not counted. The share of the memory roof counts one read of all weights for each step, so a mixture
of experts, which reads a part of them, shows more than it uses.
With --invariance the prompts run one after the other and then together, greedy, several times; exit code 1 when answers
differ in company.`,
  "bench-serve": `pippin bench-serve [OPTIONS]: load on any OpenAI-compatible server

Streams chat completions, so many at a time, and prints for each case and repetition the time to the first token (ttft),
the time per further token (tpot), rates, and the share of prompt tokens that the server took from stored prefixes. --output
keeps all columns. Exit code 1 when a request failed.`,
  "bench-detok": "pippin bench-detok [MODEL] [OPTIONS]: cost of turning tokens into text one by one; exit code 1 when the text is wrong",
  "bench-kv-cache": "pippin bench-kv-cache [OPTIONS]: memory, error and time of keys and values with 8 and 4 bits, on random numbers",
};

/** The page of a bench command. */
export function benchHelp(command: string): string {
  return `${benchIntroductions[command]!}

${optionLines(benchTables[command]!)}
`;
}
