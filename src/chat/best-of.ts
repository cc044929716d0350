// The likeliest of several candidates: all are written, the best are shown.
import { likelihoodsOf } from "./join-events.ts";
import type { ChatEvent } from "./types.ts";

interface Candidate {
  readonly events: ChatEvent[];
  logprobs: number;
  tokens: number;
}

export interface BestOf {
  readonly choices: number; // that are shown, for each prompt
  readonly candidates: number; // that were written, for each prompt
  readonly promptHasLogprobs: boolean; // an echoed prompt's are no merit of the candidate
}

/** Yields nothing before all candidates have ended. Tokens of those that are not shown are counted with the first that is. */
export async function* pickBest(events: AsyncIterable<ChatEvent>, options: BestOf): AsyncGenerator<ChatEvent> {
  const all: Candidate[] = [];
  for await (const event of events) take((all[event.choice] ??= { events: [], logprobs: 0, tokens: 0 }), event, options);
  for (let from = 0; from < all.length; from += options.candidates) {
    const ranked = all.slice(from, from + options.candidates).sort((a, b) => mean(b) - mean(a)); // stable: of equals the first
    const [shown, hidden] = [ranked.slice(0, options.choices), ranked.slice(options.choices)];
    const extra = hidden
      .flatMap(({ events }) => events)
      .reduce((sum, event) => sum + (event.type === "finish" ? event.usage.completionTokens : 0), 0);
    for (const [rank, candidate] of shown.entries()) {
      const choice = (from / options.candidates) * options.choices + rank;
      yield* candidate.events.map(event => addTokens({ ...event, choice }, rank === 0 ? extra : 0));
    }
  }
}

function take(candidate: Candidate, event: ChatEvent, { promptHasLogprobs }: BestOf): void {
  const first = !candidate.events.some(likelihoodsOf);
  candidate.events.push(event);
  const tokens = likelihoodsOf(event);
  if (tokens === undefined || (first && promptHasLogprobs)) return;
  for (const { token } of tokens) candidate.logprobs += token?.logprob ?? 0;
  candidate.tokens += tokens.length;
}

function mean({ logprobs, tokens }: Candidate): number {
  return tokens === 0 ? -Infinity : logprobs / tokens;
}

function addTokens(event: ChatEvent, extra: number): ChatEvent {
  if (event.type !== "finish") return event;
  return { ...event, usage: { ...event.usage, completionTokens: event.usage.completionTokens + extra } };
}
