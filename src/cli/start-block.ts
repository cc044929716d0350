// What a terminal shows once a server answers.
import type { EncoderInfo, ModelInfo } from "../engine/protocol.ts";
import { version } from "./version.ts";

export interface Started {
  readonly id: string;
  readonly info: ModelInfo;
  readonly batching: string; // the runtime mode, and why
  readonly url: string;
  readonly apiKey: boolean; // clients need one
  readonly encoders: readonly StartedEncoder[];
}

export interface StartedEncoder {
  readonly id: string;
  readonly maxLength: number;
  readonly engine: { readonly info: EncoderInfo | undefined };
}

export function startBlock({ id, info, batching, url, apiKey, encoders }: Started, color: boolean): string {
  const paint = (code: number, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const row = (name: string, text: string) => `  ${paint(2, name.padEnd(9))} ${text}`;
  const here = url.replace(/\/\/(0\.0\.0\.0|\[::\]):/, "//127.0.0.1:"); // every network is not an address to call
  const key = apiKey ? ` \\\n              -H "authorization: Bearer $PIPPIN_API_KEY"` : "";
  const rows = [
    paint(1, `pippin ${version}`),
    "",
    row("model", `${id} (${info.modelType}), ${count(info.parameters)} parameters, ${info.quantization}, ${bytes(info.bytes)}`),
    ...unread(info).map(text => row("", text)),
    row("context", `${info.contextLength.toLocaleString("en")} tokens`),
    ...encoders.flatMap(encoder => encoderLines(encoder).map((text, i) => row(i === 0 ? "encoder" : "", text))),
    row("device", info.warmUpMs === undefined ? info.device : `${info.device}, warmed up in ${(info.warmUpMs / 1000).toFixed(1)} s`),
    row("batching", batching),
    row("address", paint(1, `${url}/v1`)),
    "",
    row(
      "try",
      `curl ${here}/v1/chat/completions -H "content-type: application/json"${key} \\\n              -d '{"messages":[{"role":"user","content":"Hello!"}]}'`,
    ),
    "",
  ];
  return `${rows.join("\n")}\n`;
}

function encoderLines({ id, maxLength, engine: { info } }: StartedEncoder): string[] {
  if (info === undefined) return [];
  const kind = `${id} (${info.modelType}), ${count(info.parameters)} parameters, ${info.quantization}, ${bytes(info.bytes)}`;
  return [kind, ...unread(info), `${info.head}; ${info.width} numbers, ${maxLength.toLocaleString("en")} tokens`];
}

function unread({ unreadTensors: names }: Pick<ModelInfo, "unreadTensors">): string[] {
  if (names.length === 0) return [];
  return [`${names.length} tensors of the checkpoint are not used: ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`];
}

function count(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(1)} billion`;
  return parameters >= 1e6 ? `${(parameters / 1e6).toFixed(1)} million` : parameters.toLocaleString("en");
}

function bytes(size: number): string {
  return size >= 1e9 ? `${(size / 1e9).toFixed(1)} GB` : `${(size / 1e6).toFixed(1)} MB`;
}
