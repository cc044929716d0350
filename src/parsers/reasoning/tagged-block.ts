// Reasoning in a block between two tags. Blank space around the tags is not text.
import { Splitter, type Part } from "../splitter.ts";
import type { OpenOptions, Piece, ReasoningEvent, ReasoningParser } from "../types.ts";

export interface BlockTags {
  readonly open: string;
  readonly close: string;
  /** Stands behind the opening tag and is no reasoning. */
  readonly label?: string;
  /** Markup of the content that is left out. */
  readonly dropped?: readonly string[];
}

/**
 * edge       nothing but blank space since the answer began, reasoning closed, or a tool call ended: a block may open here
 * reasoning  inside a block, until it closes
 * content    everything is content: from here on a tag is a word that somebody writes about
 */
type State = "edge" | "reasoning" | "content";

export class TaggedBlock implements ReasoningParser {
  private readonly splitter: Splitter;
  private state: State;
  private blank = ""; // blank space whose neighbours decide what it is
  private dropsBlank: boolean; // blank space at this edge belongs to markup; at the start of an answer it may be content
  private awaitsLabel: boolean;

  constructor(
    private readonly tags: BlockTags,
    { tokens, startsOpen }: OpenOptions & { readonly startsOpen: boolean },
  ) {
    this.splitter = new Splitter(tokens);
    this.state = startsOpen ? "reasoning" : "edge";
    this.dropsBlank = startsOpen;
    this.awaitsLabel = startsOpen && tags.label !== undefined;
  }

  get reasoning(): boolean {
    return this.state === "reasoning";
  }

  feed(piece: Piece): ReasoningEvent[] {
    this.splitter.push(piece);
    return this.drain();
  }

  call(): ReasoningEvent[] {
    const events = this.end();
    if (this.state === "content") this.state = "edge";
    this.blank = "";
    this.dropsBlank = true;
    return events;
  }

  /** Nothing more comes before the next feed: what is held back comes out, but for blank space at the end of reasoning. */
  end(): ReasoningEvent[] {
    this.splitter.close(true);
    const events = this.drain();
    this.splitter.close(false);
    const { state, blank } = this;
    if (state === "edge" && !this.dropsBlank && blank) events.push({ type: "text", text: blank });
    const word = state === "reasoning" && this.awaitsLabel ? blank.trim() : "";
    if (word !== "" && word !== this.tags.label) events.push({ type: "reasoning", text: word });
    this.blank = "";
    this.awaitsLabel = false;
    return events;
  }

  private drain(): ReasoningEvent[] {
    const events: ReasoningEvent[] = [];
    for (let part = this.next(); part; part = this.next()) {
      const text = part.type === "marker" ? this.takeMarker(part.text) : this.takeText(part.text);
      if (text) events.push({ type: this.state === "reasoning" ? "reasoning" : "text", text });
    }
    return events;
  }

  private next(): Part | undefined {
    const { open, close, dropped = [] } = this.tags;
    return this.splitter.next(this.state === "content" ? dropped : [open, close, ...dropped]);
  }

  /** A tag; text when it is one that means nothing here. */
  private takeMarker(marker: string): string {
    const { open, dropped, label } = this.tags;
    if (dropped?.includes(marker)) return "";
    if (marker === open && this.state === "reasoning" && !this.dropsBlank) return this.takeText(marker);
    this.state = marker === open ? "reasoning" : "edge"; // a close tag at an edge closes what the prompt had closed already
    this.blank = "";
    this.dropsBlank = true;
    this.awaitsLabel = this.state === "reasoning" && label !== undefined;
    return "";
  }

  private takeText(text: string): string {
    if (this.state === "content") return text;
    const all = this.blank + text;
    if (!this.awaitsLabel || !this.isLabelToCome(all)) return this.takeWords(this.withoutLabel(all));
    this.blank = all;
    return "";
  }

  private takeWords(all: string): string {
    if (all.trim() === "") {
      this.blank = all;
      return "";
    }
    const whole = this.dropsBlank ? all.trimStart() : all;
    this.dropsBlank = false;
    this.blank = "";
    if (this.state === "edge") {
      this.state = "content";
      return whole;
    }
    const kept = whole.trimEnd();
    this.blank = whole.slice(kept.length);
    return kept;
  }

  /** The label stands on the block's first line. */
  private isLabelToCome(text: string): boolean {
    return `${this.tags.label}\n`.startsWith(text.trimStart()) && !text.trimStart().endsWith("\n");
  }

  private withoutLabel(text: string): string {
    const { label } = this.tags;
    const start = text.trimStart();
    const has = this.awaitsLabel && start.startsWith(`${label}\n`);
    this.awaitsLabel = false;
    return has ? start.slice(label!.length) : text;
  }
}
