// What several ids say at once, in as few events as say the same: a row of --stream-interval ids is one piece of text.
import type { ChatEvent, TextLogprob } from "./types.ts";

/** Texts of one kind that follow each other become one, which has the likelihoods between and behind them with it. */
export function joinEvents(events: readonly ChatEvent[]): ChatEvent[] {
  const joined: ChatEvent[] = [];
  for (const event of joinTexts(events)) {
    const before = joined.at(-1);
    if (event.type === "logprobs" && (before?.type === "text" || before?.type === "reasoning"))
      joined.splice(-1, 1, { ...before, logprobs: event.tokens });
    else joined.push(event);
  }
  return joined;
}

/** Likelihoods between texts come after them. */
function joinTexts(events: readonly ChatEvent[]): ChatEvent[] {
  const joined: ChatEvent[] = [];
  for (const event of events) {
    const at = event.type === "logprobs" ? joined.length - 1 : joined.findLastIndex(({ type }) => type !== "logprobs");
    const both = at < 0 ? undefined : join(joined[at]!, event);
    if (both === undefined) joined.push(event);
    else joined[at] = both;
  }
  return joined;
}

/** Two events of one choice as one; undefined where that would say something else. */
function join(first: ChatEvent, second: ChatEvent): ChatEvent | undefined {
  if (first.type === "logprobs" && second.type === "logprobs") return { ...first, tokens: [...first.tokens, ...second.tokens] };
  if (first.type === "tool-arguments" && second.type === "tool-arguments" && first.index !== second.index) return undefined;
  return hasText(first) && hasText(second) && first.type === second.type ? { ...first, text: first.text + second.text } : undefined;
}

/** The likelihoods that an event brings; undefined when none. */
export function likelihoodsOf(event: ChatEvent): readonly TextLogprob[] | undefined {
  if (event.type === "logprobs") return event.tokens;
  return event.type === "text" || event.type === "reasoning" ? event.logprobs : undefined;
}

function hasText(event: ChatEvent): event is Extract<ChatEvent, { text: string }> {
  return "text" in event;
}
