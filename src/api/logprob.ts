// Log probabilities as OpenAI's dialects write them.
import type { TextLogprob } from "../chat/types.ts";

/** JSON has no infinity; OpenAI writes a token that cannot be drawn so. */
export function toLogprob(logprob: number): number {
  return Math.max(logprob, -9999);
}

/** One token with its alternatives. */
export function toTokenLogprob({ token, text, bytes, top }: TextLogprob) {
  return {
    token: text,
    logprob: toLogprob(token?.logprob ?? 0), // null is for echoed prompts only
    bytes: [...bytes],
    top_logprobs: top.map(other => ({ token: other.text, logprob: toLogprob(other.logprob), bytes: [...other.bytes] })),
  };
}
