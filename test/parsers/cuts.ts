// Feeds a machine one text in many cuts, and joins what it says so that cuts can be compared.
import type { Piece, ReasoningParser, ToolParser } from "../../src/parsers/types.ts";

/** A small seeded generator (mulberry32), so that a failing walk can be run again. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Every cut into two, one by one, and `count` random cuts into many. */
export function* cuts(text: string, count = 40): Generator<string[]> {
  yield [text];
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)];
  yield [...text];
  for (let seed = 1; seed <= count; seed++) {
    const next = random(seed);
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) {
      const length = 1 + Math.floor(next() ** 2 * 12);
      pieces.push(text.slice(at, at + length));
      at += length;
    }
    yield pieces;
  }
}

export interface Outcome {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: { name: string; arguments: string; valid: boolean | undefined }[];
  readonly order: string; // t text, r reasoning, c call, without repetition
}

/** What the two machines make of the pieces together. Without one of them, all is text. */
export function play(pieces: readonly (string | Piece)[], tools: ToolParser | undefined, reasoning?: ReasoningParser): Outcome {
  const outcome = { text: "", reasoning: "", calls: [] as Outcome["calls"], order: "" };
  const mark = (letter: string) => {
    if (!outcome.order.endsWith(letter) || letter === "c") outcome.order += letter;
  };
  const say = (events: readonly { type: "text" | "reasoning"; text: string }[]) => {
    for (const event of events) {
      if (event.text === "") throw new Error("an event without text");
      outcome[event.type] += event.text;
      mark(event.type === "text" ? "t" : "r");
    }
  };
  const text = (piece: Piece) => say(reasoning ? reasoning.feed(piece) : [{ type: "text", text: piece.text }]);
  const take = (events: ReturnType<ToolParser["feed"]>) => {
    for (const event of events) {
      const last = outcome.calls.at(-1);
      if (event.type === "text") text(event);
      else if (event.type === "call") {
        if (reasoning) say(reasoning.call());
        outcome.calls.push({ name: event.name, arguments: "", valid: undefined });
        mark("c");
      } else if (!last || last.valid !== undefined) throw new Error(`${event.type} outside of a call`);
      else if (event.type === "arguments") last.arguments += event.text;
      else last.valid = event.valid;
    }
  };
  for (const piece of pieces) {
    const whole = typeof piece === "string" ? { text: piece, token: false } : piece;
    if (tools) take(tools.feed(whole));
    else text(whole);
  }
  if (tools) take(tools.end());
  if (reasoning) say(reasoning.end());
  return outcome;
}

/** Pieces where the given strings are tokens of their own and the rest is cut as asked. */
export function withTokens(pieces: readonly string[], tokens: readonly string[]): Piece[] {
  return pieces.flatMap(piece => {
    const out: Piece[] = [];
    let rest = piece;
    while (rest) {
      const at = tokens.map(token => rest.indexOf(token)).reduce((least, here) => (here >= 0 && (least < 0 || here < least) ? here : least), -1);
      const token = tokens.find(candidate => at >= 0 && rest.startsWith(candidate, at));
      if (token === undefined) {
        out.push({ text: rest, token: false });
        break;
      }
      if (at > 0) out.push({ text: rest.slice(0, at), token: false });
      out.push({ text: token, token: true });
      rest = rest.slice(at + token.length);
    }
    return out;
  });
}
