// What a measured server is asked over HTTP: whether it lives, and streamed chat completions at temperature 0.
import { streamChat, type Answer } from "../../src/cli/bench/stream-client.ts";

export interface ChatBody {
  readonly model: string;
  readonly prompt: string;
  readonly maxTokens: number;
}

const TIMEOUT_SECONDS = 600;

function toWire({ model, prompt, maxTokens }: ChatBody) {
  return { model, messages: [{ role: "user", content: prompt }], max_tokens: maxTokens, temperature: 0 };
}

/** True once the server answers a whole completion with 200; false on any refusal. */
export function answers(url: string, body: ChatBody): Promise<boolean> {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(toWire(body)) };
  return isOk(`${url}/v1/chat/completions`, request);
}

export function healthy(url: string): Promise<boolean> {
  return isOk(`${url}/health`);
}

async function isOk(url: string, request?: RequestInit): Promise<boolean> {
  try {
    const response = await fetch(url, request);
    await response.text();
    return response.status === 200;
  } catch {
    return false; // not listening yet
  }
}

/** Sends all bodies at once and waits for all ends; throws unless each ends with text and a usage frame. */
export function streamChats(url: string, bodies: readonly ChatBody[]): Promise<Answer[]> {
  const target = { url: `${url}/v1`, apiKey: undefined, timeoutSeconds: TIMEOUT_SECONDS };
  return Promise.all(bodies.map(body => streamChat(target, toWire(body))));
}
