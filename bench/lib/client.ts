// The one HTTP client for all servers: a streamed chat completion with the times of what came back.
// While a stream runs it only keeps chunks and their times; reading them comes afterwards, so that measuring costs little.

export interface ChatBody {
  model: string;
  prompt: string;
  maxTokens: number;
}

/** Times in milliseconds on performance.now()'s clock. */
interface Received {
  sent: number;
  ended: number;
  chunks: Chunk[];
}

export interface Streamed {
  sent: number;
  ended: number;
  /** When each frame with text came; at least one. */
  texts: number[];
  firstText: number;
  promptTokens: number;
  tokens: number;
  text: string;
}

interface Chunk {
  at: number;
  bytes: Uint8Array;
}

interface Frame {
  choices?: { delta?: { content?: string | null; reasoning?: string | null; reasoning_content?: string | null } }[];
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
  error?: unknown;
}

function toRequest(body: ChatBody, stream: boolean): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: body.model,
      messages: [{ role: "user", content: body.prompt }],
      max_tokens: body.maxTokens,
      temperature: 0,
      ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
    }),
  };
}

/** True once the server answers a whole completion with 200; false on any refusal. */
export async function answers(url: string, body: ChatBody): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/chat/completions`, toRequest(body, false));
    await response.text();
    return response.status === 200;
  } catch {
    return false; // not listening yet
  }
}

export async function healthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`);
    await response.text();
    return response.status === 200;
  } catch {
    return false; // not listening yet
  }
}

/** Sends all bodies at once and waits for all ends; throws unless each ends with text and a usage frame. */
export async function streamChats(url: string, bodies: ChatBody[]): Promise<Streamed[]> {
  const received = await Promise.all(bodies.map(body => receive(url, body)));
  return received.map(({ sent, ended, chunks }) => ({ sent, ended, ...readFrames(chunks) }));
}

async function receive(url: string, body: ChatBody): Promise<Received> {
  const sent = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, toRequest(body, true));
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status}: ${await response.text()}`);
  const chunks: Chunk[] = [];
  for await (const bytes of response.body) chunks.push({ at: performance.now(), bytes });
  return { sent, ended: performance.now(), chunks };
}

/** Reads all server-sent events; an event counts as received with the chunk that completes its line. */
function readFrames(chunks: Chunk[]): Omit<Streamed, "sent" | "ended"> {
  const decoder = new TextDecoder();
  let rest = "";
  let text = "";
  const texts: number[] = [];
  let usage: Frame["usage"];
  for (const { at, bytes } of chunks) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const frame = JSON.parse(line.slice(6)) as Frame;
      if (frame.error) throw new Error(`error frame: ${line}`);
      const delta = frame.choices?.[0]?.delta;
      const piece = delta?.content || delta?.reasoning_content || delta?.reasoning || "";
      if (piece !== "") texts.push(at);
      text += piece;
      usage = frame.usage ?? usage;
    }
  }
  const firstText = texts[0];
  if (firstText === undefined || !usage) throw new Error(`stream ended without ${usage ? "text" : "usage"}`);
  return { texts, firstText, text, promptTokens: usage.prompt_tokens, tokens: usage.completion_tokens };
}
