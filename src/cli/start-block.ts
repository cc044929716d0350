// What a terminal shows once a server answers.
import type { ModelInfo } from "../engine/protocol.ts";
import { version } from "./version.ts";

export interface Started {
  readonly id: string;
  readonly info: ModelInfo;
  readonly batching: string; // the runtime mode, and why
  readonly url: string;
  readonly apiKey: boolean; // clients need one
}

export function startBlock({ id, info, batching, url, apiKey }: Started, color: boolean): string {
  const paint = (code: number, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const row = (name: string, text: string) => `  ${paint(2, name.padEnd(9))} ${text}`;
  const here = url.replace(/\/\/(0\.0\.0\.0|\[::\]):/, "//127.0.0.1:"); // every network is not an address to call
  const unread = info.unreadTensors.length;
  const key = apiKey ? ` \\\n              -H "authorization: Bearer $PIPPIN_API_KEY"` : "";
  const rows = [
    paint(1, `pippin ${version}`),
    "",
    row("model", `${id} (${info.modelType}), ${count(info.parameters)} parameters, ${info.quantization}, ${bytes(info.bytes)}`),
    ...(unread > 0
      ? [row("", `${unread} tensors of the checkpoint are not used: ${info.unreadTensors.slice(0, 3).join(", ")}${unread > 3 ? ", …" : ""}`)]
      : []),
    row("context", `${info.contextLength.toLocaleString("en")} tokens`),
    row("device", info.device),
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

function count(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(1)} billion`;
  return parameters >= 1e6 ? `${(parameters / 1e6).toFixed(1)} million` : parameters.toLocaleString("en");
}

function bytes(size: number): string {
  return size >= 1e9 ? `${(size / 1e9).toFixed(1)} GB` : `${(size / 1e6).toFixed(1)} MB`;
}
