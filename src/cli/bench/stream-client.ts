// One streamed chat completion of any OpenAI-compatible server, with the times of what came back.

export interface Target {
  readonly url: string; // ends in /v1
  readonly apiKey: string | undefined;
  readonly timeoutSeconds: number;
}

/** Times in milliseconds after the request was sent. */
export interface Answer {
  readonly firstMs: number; // the first frame with text, reasoning or a tool call
  readonly endMs: number;
  readonly gapsMs: readonly number[]; // between frames with text
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly tokens: number;
}

interface Frame {
  readonly choices?: readonly { readonly delta?: Readonly<Record<string, unknown>> }[];
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

/** Throws an Error with one line for a refusal, an error frame, an answer without text or usage, and for what takes too long. */
export async function streamChat(target: Target, body: Readonly<Record<string, unknown>>): Promise<Answer> {
  const sent = performance.now();
  const response = await fetch(`${target.url}/chat/completions`, {
    method: "POST",
    headers: headers(target),
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal: AbortSignal.timeout(target.timeoutSeconds * 1000),
  });
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status}: ${(await response.text()).slice(0, 300)}`);
  const times: number[] = [];
  let usage: Frame["usage"];
  for await (const frame of frames(response.body)) {
    if (frame.error !== undefined) throw new Error(`error frame: ${JSON.stringify(frame.error).slice(0, 300)}`);
    if (frame.choices?.some(({ delta }) => hasText(delta))) times.push(performance.now() - sent);
    usage = frame.usage ?? usage;
  }
  const [first] = times;
  if (first === undefined || !usage) throw new Error(`the stream ended without ${usage ? "text" : "a usage frame"}`);
  return {
    firstMs: first,
    endMs: performance.now() - sent,
    gapsMs: times.slice(1).map((time, i) => time - times[i]!),
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    tokens: usage.completion_tokens,
  };
}

function hasText(delta: Readonly<Record<string, unknown>> | undefined): boolean {
  return delta !== undefined && ["content", "reasoning_content", "reasoning", "tool_calls"].some(name => Boolean(delta[name]));
}

async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: {")) yield JSON.parse(line.slice(6)) as Frame;
  }
}
