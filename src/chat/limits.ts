// What a prompt must be before it goes to the engine.
import { ApiError } from "./error.ts";
import type { Service } from "./service.ts";
import type { Generation } from "./types.ts";

/** Throws ApiError unless the engine can read the prompt and has room for an answer. */
export function checkPrompt(service: Service, ids: Uint32Array, generation: Generation, param: "messages" | "prompt"): void {
  const { contextLength, vocabSize } = service;
  if (ids.length === 0) throw new ApiError(400, "The prompt is empty; it must have at least one token.", { code: "empty_prompt", param });
  const stranger = ids.find(id => id >= vocabSize);
  if (stranger !== undefined)
    throw new ApiError(400, `The prompt has the token id ${stranger}; this model's vocabulary ends at ${vocabSize - 1}.`, {
      code: "invalid_token_id",
      param,
    });
  if (ids.length + Math.min(1, generation.maxTokens ?? 1) <= contextLength) return;
  throw new ApiError(400, `This model's context length is ${contextLength} tokens, but the prompt alone has ${ids.length}.`, {
    code: "context_length_exceeded",
    param,
  });
}

/** Checks ids that come from a client as numbers. */
export function toIds(numbers: readonly number[], vocabSize: number, param = "prompt"): Uint32Array {
  const stranger = numbers.find(id => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (stranger === undefined) return Uint32Array.from(numbers);
  throw new ApiError(400, `'${param}' has the token id ${stranger}; this model's vocabulary has 0 to ${vocabSize - 1}.`, {
    code: "invalid_token_id",
    param,
  });
}

/** A request for more than fits gets what fits: its answer then ends with "length" like any other. */
export function maxTokensFor(service: Service, promptLength: number, generation: Generation): number {
  return Math.max(0, Math.min(generation.maxTokens ?? service.maxTokens, service.contextLength - promptLength));
}
