// Prompts that are read before anybody asks, so that what begins like them is stored already.
import { runChat } from "./run.ts";
import type { Service } from "./service.ts";
import type { ChatRequest } from "./types.ts";
import { messageOf } from "../util/message-of.ts";

/** Reads each conversation and writes one token. One after the other: they often begin alike. What fails is told and skipped. */
export async function warm(service: Service, requests: readonly ChatRequest[], log: (line: string) => void): Promise<void> {
  for (const [n, request] of requests.entries()) {
    const once: ChatRequest = { ...request, choices: 1, generation: { ...request.generation, maxTokens: 1 } };
    try {
      for await (const event of runChat(service, once, new AbortController().signal)) void event;
    } catch (error) {
      log(`warm prompt ${n + 1} could not be read: ${messageOf(error)}`);
    }
  }
}
