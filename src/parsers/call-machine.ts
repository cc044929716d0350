// Finds calls in an answer, as one format's grammar describes them. Blank space around a call belongs to the markup. What turns out to be
// no call stays in the text, markers and all, and is searched again behind its first marker.
import { locate } from "./locate.ts";
import { Source, type Reading } from "./source.ts";
import type { OpenOptions, Piece, ToolEvent, ToolFormat, ToolParser, ToolSchema } from "./types.ts";

export interface CallContext {
  readonly source: Source;
  readonly tools: ReadonlyMap<string, ToolSchema>;
}

/**
 * call     at least one was announced
 * markup   the marker means nothing here, and neither does what was read behind it
 * text     no call: all of it is text
 */
export type Found = "call" | "markup" | "text";

export interface Grammar {
  readonly openers: readonly string[];
  /** Markup that may follow a call. */
  readonly closers?: readonly string[];
  /** Begin a call only where nothing but blank space stands before them: at the start, behind a call and behind reasoning. */
  readonly bare?: readonly string[];
  /** Read at the very start, before any marker is looked for. */
  readonly start?: (context: CallContext) => Reading<Found>;
  /** Reads on behind a marker. */
  readonly call: (context: CallContext, opener: string) => Reading<Found>;
}

export function toolFormat({ grammar, ...format }: Omit<ToolFormat, "open"> & { readonly grammar: Grammar }): ToolFormat {
  return { ...format, open: options => new CallMachine(grammar, options) };
}

const endOfThinking = ["</think>", "[/THINK]"];

class CallMachine implements ToolParser {
  private readonly source: Source;
  private readonly reading: Reading<void>;
  private readonly context: CallContext;
  private blank = ""; // blank space that a call may follow
  private afterCall = false; // blank space here belongs to the markup
  private atEdge = true; // nothing but blank space stands before
  private pending: readonly string[] = []; // closers that the last call still waits for

  constructor(
    private readonly grammar: Grammar,
    { tokens, tools }: OpenOptions & { readonly tools: readonly ToolSchema[] },
  ) {
    this.source = new Source(tokens);
    this.context = { source: this.source, tools: new Map(tools.map(tool => [tool.name, tool])) };
    this.reading = this.readAnswer();
  }

  feed(piece: Piece): ToolEvent[] {
    this.source.push(piece);
    return this.run();
  }

  end(): ToolEvent[] {
    this.source.over = true;
    return this.run();
  }

  private run(): ToolEvent[] {
    const events: ToolEvent[] = [];
    for (;;) {
      const { done, value } = this.reading.next();
      if (done || value === undefined) return events;
      events.push(value);
    }
  }

  private *readAnswer(): Reading<void> {
    const { source, grammar } = this;
    if (grammar.start) yield* this.attempt(() => grammar.start!(this.context));
    for (;;) {
      source.forget();
      const marker = yield* this.readText();
      if (marker === undefined) return yield* this.flushBlank();
      if (this.pending.includes(marker)) this.close(marker);
      else if (endOfThinking.includes(marker) && !grammar.openers.includes(marker)) {
        yield* this.say(marker, source.isToken(source.spell(marker)));
        this.atEdge = true;
      } else if (!(yield* this.attempt(() => grammar.call(this.context, marker)))) yield* this.say(marker, source.isToken(source.spell(marker)));
    }
  }

  /** Says text up to the next marker and reads the marker; undefined at the end. */
  private *readText(): Reading<string | undefined> {
    const { source, grammar } = this;
    for (;;) {
      if (this.atEdge && grammar.bare) {
        const bare = yield* this.readBare([...grammar.bare, ...grammar.openers]);
        if (bare !== undefined) return bare;
      }
      const markers = [...grammar.openers, ...this.pending, ...(grammar.bare ? endOfThinking : [])];
      const spelled = markers.map(marker => source.spell(marker));
      const { rest } = source;
      const hit = locate(rest, spelled, { canGrow: !source.over });
      for (const piece of source.take(hit?.at ?? rest.length)) yield* this.say(piece.text, piece.token);
      if (hit?.marker !== undefined) {
        source.at += hit.marker.length;
        return markers[spelled.indexOf(hit.marker)];
      }
      source.forget();
      if (!(yield* source.more())) return undefined;
    }
  }

  private *readBare(markers: readonly string[]): Reading<string | undefined> {
    const { source } = this;
    const start = source.at;
    yield* source.skipBlank();
    const blank = source.at - start;
    const marker = yield* source.accept(...markers);
    const end = source.at;
    source.at = start;
    for (const piece of source.take(blank)) yield* this.say(piece.text);
    if (marker !== undefined) source.at = end;
    return marker;
  }

  /** Whether markup was read; otherwise everything stands where it was. */
  private *attempt(read: () => Reading<Found>): Reading<boolean> {
    const { source, grammar } = this;
    const start = source.at;
    const found = yield* read();
    if (found === "text") {
      source.at = start;
      return false;
    }
    this.blank = "";
    this.afterCall = true;
    this.atEdge = true;
    if (found === "call") this.pending = grammar.closers ?? [];
    return true;
  }

  private close(marker: string): void {
    this.pending = this.pending.filter(closer => closer !== marker);
    this.blank = "";
    this.afterCall = true;
  }

  private *say(text: string, token = false): Reading<void> {
    if (token) {
      yield* this.flushBlank();
      this.atEdge = false;
      yield { type: "text", text, token };
      return;
    }
    const all = this.blank + text;
    const whole = this.afterCall ? all.trimStart() : all;
    const kept = whole.trimEnd();
    this.blank = whole.slice(kept.length);
    if (kept === "") return;
    this.afterCall = false;
    this.atEdge = false;
    yield { type: "text", text: kept, token: false };
  }

  private *flushBlank(): Reading<void> {
    const { blank, afterCall } = this;
    this.blank = "";
    this.afterCall = false;
    if (blank && !afterCall) yield { type: "text", text: blank, token: false };
  }
}
