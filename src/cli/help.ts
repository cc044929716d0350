// What `--help` and `help serve` print, from the commands and the option table.
import { serveOptions } from "../config.ts";
import { envName, flagName, type Option } from "./options.ts";
import { version } from "./version.ts";

const WIDTH = 100;

export const shortHelp = `pippin ${version}: a local inference server that speaks the OpenAI API

Examples
  pippin serve                          serve the built-in model on http://127.0.0.1:8000/v1
  pippin serve ./Qwen3-0.6B-8bit        serve a model folder (config.json, safetensors, tokenizer)
  curl http://127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"messages":[{"role":"user","content":"Hello!"}]}'

Run
  serve [MODEL]     load a model and answer requests until stopped

Learn
  help [COMMAND]    this page, or everything about one command
  --version         print the version

Stop a server with Ctrl-C: running requests finish first; a second Ctrl-C stops at once.
Every option of serve and its environment variable: pippin help serve
`;

function lines(key: string, option: Option<unknown>): string {
  const left = `  ${flagName(key)}${option.value ? ` ${option.value}` : ""}`;
  const told = typeof option.default === "number" || (typeof option.default === "string" && option.value !== "");
  const notes = [told ? `default ${option.default}` : "", envName(key)].filter(Boolean).join(", ");
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

export function serveHelp(): string {
  const sections = Map.groupBy(Object.entries<Option<unknown>>(serveOptions), ([, option]) => option.section);
  const body = [...sections].map(([section, options]) => `${section}\n${options.map(([key, option]) => lines(key, option)).join("\n")}`);
  return `pippin serve [MODEL] [OPTIONS]: load a model and answer requests until stopped

MODEL is a folder with config.json, *.safetensors and tokenizer.json; without it the built-in model is served.
Flags win over environment variables, which win over defaults. The server has loaded its model when it
prints its address. SIGTERM and SIGINT let running requests finish and refuse new ones; a second one stops
at once. Exit codes: 0 stopped, 1 failed, 2 wrong usage, 3 model not found, 4 not enough memory.

${body.join("\n\n")}
`;
}
