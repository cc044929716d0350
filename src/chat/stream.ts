// One answer from ids to events: ids → text → tool calls → reasoning → stop strings → ChatEvents. Pure; run.ts feeds it from the engine.
// Stop strings are looked for in what is left for the reader: neither in reasoning nor in calls.
// A whole answer is the fold of the same events, so streamed and whole answers cannot differ.
import type { TokenLogprob } from "../engine/protocol.ts";
import type { Piece, ReasoningEvent, ReasoningFormat, ReasoningParser, ToolEvent, ToolFormat, ToolParser } from "../parsers/types.ts";
import type { Detokenizer } from "../tokenizer/stream.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { CallStream } from "./calls.ts";
import { StopFilter } from "./stop.ts";
import type { ChatEvent, TextLogprob, Tool } from "./types.ts";

export interface AnswerTools {
  readonly format: ToolFormat;
  readonly offered: readonly Tool[];
  readonly parallel: boolean;
  readonly earlierIds?: readonly string[]; // of the conversation's calls
}

export interface ReaderOptions {
  readonly tokenizer: Tokenizer;
  readonly choice: number;
  readonly stop: readonly string[];
  readonly tools?: AnswerTools | undefined;
  readonly reasoning?: { readonly format: ReasoningFormat; readonly startsOpen: boolean } | undefined;
  /** The answer goes on from a text that the client has: no rule about the start of a text applies. */
  readonly continues: boolean;
  /** Code points of the choice's text before the answer. */
  readonly textOffset?: number;
}

interface WaitingLogprob {
  readonly at: number; // characters that the stop strings had seen before this token
  readonly logprob: TextLogprob;
}

export class AnswerReader {
  /** Set when the text itself has ended the answer: no more ids are wanted, and those already there are not part of it. */
  finished: "stop" | "tool_calls" | undefined;
  reasoningTokens = 0;
  private readonly detokenizer: Detokenizer;
  private readonly markers: ReadonlyMap<number, string>; // tokens that mean something to the parsers
  private readonly stops: StopFilter;
  private readonly tools: ToolParser | undefined;
  private readonly callStream: CallStream | undefined;
  private readonly reasoning: ReasoningParser | undefined;
  private readonly waiting: WaitingLogprob[] = []; // for the text of their tokens to be let through
  private codePoints: number;

  constructor(private readonly options: ReaderOptions) {
    const { tokenizer, tools, reasoning, stop, continues } = options;
    this.markers = findMarkers(tokenizer, [...(tools?.format.markers ?? []), ...(reasoning?.format.markers ?? [])]);
    this.detokenizer = tokenizer.stream({ hidden: id => tokenizer.isSpecial(id) && !this.markers.has(id), continues });
    this.stops = new StopFilter(stop);
    const tokens = new Set(this.markers.values());
    this.tools = tools?.format.open({ tokens, tools: tools.offered });
    this.callStream = tools && openCalls(options.choice, tools);
    this.reasoning = reasoning?.format.open({ tokens, startsOpen: reasoning.startsOpen });
    this.codePoints = options.textOffset ?? 0;
  }

  /** Tool calls so far. */
  get calls(): number {
    return this.callStream?.count ?? 0;
  }

  get stopString(): string | undefined {
    return this.stops.matched;
  }

  /** One id that belongs to the text (an id that only ends the sequence does not). */
  take(id: number, logprob: TokenLogprob | undefined): ChatEvent[] {
    const before = this.reasoning?.reasoning ?? false;
    if (logprob) this.waiting.push({ at: this.stops.taken, logprob: toTextLogprob(this.options.tokenizer, logprob, this.codePoints) });
    const events = this.piecesOf(id).flatMap(piece => this.takePiece(piece));
    if (before || this.reasoning?.reasoning) this.reasoningTokens++;
    return this.withLogprobs(events);
  }

  /** The ids are over. */
  end(): ChatEvent[] {
    if (this.finished) return [];
    const rest = this.detokenizer.end();
    const events = this.takePiece({ text: rest, token: false });
    return this.withLogprobs([...events, ...this.flush()]);
  }

  /** Everything held back comes out. */
  private flush(): ChatEvent[] {
    const events: ChatEvent[] = [];
    if (this.tools && !this.finished) events.push(...this.toEvents(this.tools.end()));
    if (this.reasoning && !this.finished) events.push(...this.say(this.reasoning.end()));
    return [...events, ...this.releaseText()];
  }

  private piecesOf(id: number): Piece[] {
    if (!this.markers.has(id)) return [{ text: this.detokenizer.push(id), token: false }];
    const before = this.detokenizer.end(); // an unfinished character before the marker
    return [
      { text: before, token: false },
      { text: this.detokenizer.push(id), token: true },
    ];
  }

  private takePiece(piece: Piece): ChatEvent[] {
    if (piece.text === "" || this.finished) return [];
    this.codePoints += countCodePoints(piece.text);
    return this.tools ? this.toEvents(this.tools.feed(piece)) : this.readText(piece);
  }

  private toEvents(events: readonly ToolEvent[]): ChatEvent[] {
    const out: ChatEvent[] = [];
    for (const event of events) {
      if (this.finished) break;
      if (event.type === "text") {
        out.push(...this.readText(event));
        continue;
      }
      if (event.type === "call") out.push(...this.say(this.reasoning?.call() ?? []), ...this.releaseText());
      if (this.finished) break; // by a stop string in what stood before the call
      out.push(...this.callStream!.take(event));
      if (this.callStream!.finished) this.finished = "tool_calls";
    }
    return out;
  }

  private readText(piece: Piece): ChatEvent[] {
    return this.say(this.reasoning ? this.reasoning.feed(piece) : [{ type: "text", text: piece.text }]);
  }

  private say(events: readonly ReasoningEvent[]): ChatEvent[] {
    const { choice } = this.options;
    const out: ChatEvent[] = [];
    for (const event of events) {
      if (this.finished) break;
      if (event.type === "reasoning") {
        out.push(...this.releaseText(), { ...event, choice });
        continue;
      }
      const text = this.stops.feed(event.text);
      if (text !== "") out.push({ type: "text", choice, text });
      if (this.stops.matched !== undefined) this.finished = "stop";
    }
    return out;
  }

  /** What waits for a stop string: no match goes across reasoning or a call. */
  private releaseText(): ChatEvent[] {
    const text = this.stops.end();
    return text === "" ? [] : [{ type: "text", choice: this.options.choice, text }];
  }

  /** A token's likelihood comes after its text: with all that was let through, and never for text behind a stop string. */
  private withLogprobs(events: ChatEvent[]): ChatEvent[] {
    const { released, taken } = this.stops;
    const all = released === taken;
    const tokens: TextLogprob[] = [];
    for (let first = this.waiting[0]; first && (all || first.at < released); first = this.waiting[0]) {
      tokens.push(first.logprob);
      this.waiting.shift();
    }
    return tokens.length === 0 ? events : [...events, { type: "logprobs", choice: this.options.choice, tokens }];
  }
}

/** The markers that this vocabulary has as added tokens. */
function findMarkers(tokenizer: Tokenizer, markers: readonly string[]): ReadonlyMap<number, string> {
  return new Map(
    markers.map(marker => [tokenizer.addedId(marker), marker] as const).filter((entry): entry is [number, string] => entry[0] !== undefined),
  );
}

export function toTextLogprob(tokenizer: Tokenizer, token: TokenLogprob, offset: number): TextLogprob {
  const seen = (id: number) => ({ text: tokenizer.visible(id), bytes: tokenizer.piece(id).bytes });
  return { token, ...seen(token.id), top: token.top.map(([id, logprob]) => ({ id, ...seen(id), logprob })), offset };
}

export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function openCalls(choice: number, { format, offered, parallel, earlierIds = [] }: AnswerTools): CallStream {
  return new CallStream({ choice, offered, parallel, ids: format.ids ?? "call", earlier: earlierIds });
}
