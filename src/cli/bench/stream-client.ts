// One streamed chat completion of any OpenAI-compatible server, with the times of what came back.

export interface Target {
  readonly url: string; // ends in /v1
  readonly apiKey: string | undefined;
  readonly timeoutSeconds: number;
}

/** Times in milliseconds. */
export interface Answer {
  readonly sentAt: number; // on performance.now()'s clock; the others count from here
  readonly textMs: readonly number[]; // frames with text, reasoning or a tool call; at least one
  readonly endMs: number;
  readonly text: string; // reasoning included
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly tokens: number;
}

interface Chunk {
  readonly ms: number;
  readonly bytes: Uint8Array;
}

interface Delta {
  readonly content?: string | null;
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
  readonly tool_calls?: unknown;
}

interface Frame {
  readonly choices?: readonly { readonly delta?: Delta }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
  readonly error?: unknown;
}

export function headers({ apiKey }: Target): Record<string, string> {
  return { "content-type": "application/json", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) };
}

/**
 * Throws an Error with one line for a refusal, an error frame, an answer without text or usage, and for what takes too long. While the
 * stream runs, chunks and their times are only kept; they are read afterwards, so that measuring costs little.
 */
export async function streamChat(target: Target, body: Readonly<Record<string, unknown>>): Promise<Answer> {
  const sentAt = performance.now();
  const response = await fetch(`${target.url}/chat/completions`, {
    method: "POST",
    headers: headers(target),
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal: AbortSignal.timeout(target.timeoutSeconds * 1000),
  });
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status}: ${(await response.text()).slice(0, 300)}`);
  const chunks: Chunk[] = [];
  for await (const bytes of response.body) chunks.push({ ms: performance.now() - sentAt, bytes });
  return { sentAt, endMs: performance.now() - sentAt, ...readChunks(chunks) };
}

function readChunks(chunks: readonly Chunk[]): Omit<Answer, "sentAt" | "endMs"> {
  const textMs: number[] = [];
  let text = "";
  let usage: Frame["usage"];
  for (const { ms, frame } of frames(chunks)) {
    if (frame.error !== undefined) throw new Error(`error frame: ${JSON.stringify(frame.error).slice(0, 300)}`);
    const deltas = (frame.choices ?? []).flatMap(({ delta }) => delta ?? []);
    if (deltas.some(delta => textOf(delta) !== "" || delta.tool_calls)) textMs.push(ms);
    text += deltas.map(textOf).join("");
    usage = frame.usage ?? usage;
  }
  if (textMs.length === 0 || !usage) throw new Error(`the stream ended without ${usage ? "text" : "a usage frame"}`);
  return {
    textMs,
    text,
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    tokens: usage.completion_tokens,
  };
}

function textOf({ content, reasoning_content, reasoning }: Delta): string {
  return content || reasoning_content || reasoning || "";
}

/** A frame counts as received with the chunk that completes its line. */
function* frames(chunks: readonly Chunk[]): Generator<{ readonly ms: number; readonly frame: Frame }> {
  const decoder = new TextDecoder();
  let rest = "";
  for (const { ms, bytes } of chunks) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (/^data: ?\{/.test(line)) yield { ms, frame: JSON.parse(line.slice("data:".length)) as Frame };
  }
}
