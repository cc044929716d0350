// Reasoning between <think> and </think> (Qwen3, DeepSeek-R1 and most others). Blank space around the tags is not text.
import { Splitter, type Part } from "../splitter.ts";
import type { Piece, ReasoningEvent, ReasoningFormat, ReasoningParser } from "../types.ts";

const open = "<think>";
const close = "</think>";

export const thinkTags: ReasoningFormat = {
  name: "think",
  aliases: ["think_tags", "qwen3", "deepseek_r1", "glm4", "glm45", "step3p5"],
  markers: [open, close],
  detect: ({ template, hasToken }) => template.includes(close) || template.includes(open) || (hasToken(open) && hasToken(close)),
  startsOpen: prompt => prompt.trimEnd().endsWith(open),
  open: ({ tokens, startsOpen }) => new ThinkTags(tokens, startsOpen),
};

/**
 * edge       nothing but blank space since the answer began, reasoning closed, or a tool call ended: a block may open here
 * reasoning  inside a block, until it closes
 * content    everything is content: from here on a tag is a word that somebody writes about
 */
type State = "edge" | "reasoning" | "content";

class ThinkTags implements ReasoningParser {
  private readonly splitter: Splitter;
  private state: State;
  private blank = ""; // blank space whose neighbours decide what it is
  private dropsBlank: boolean; // blank space at this edge belongs to markup; at the start of an answer it may be content

  constructor(tokens: ReadonlySet<string>, startsOpen: boolean) {
    this.splitter = new Splitter(tokens);
    this.state = startsOpen ? "reasoning" : "edge";
    this.dropsBlank = startsOpen;
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
    if (this.state === "edge" && !this.dropsBlank && this.blank) events.push({ type: "text", text: this.blank });
    this.blank = "";
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
    return this.splitter.next(this.state === "content" ? [] : [open, close]);
  }

  /** A tag; text when it is one that means nothing here. */
  private takeMarker(marker: string): string {
    if (marker === open && this.state === "reasoning" && !this.dropsBlank) return this.takeText(marker);
    this.state = marker === open ? "reasoning" : "edge"; // a close tag at an edge closes what the prompt had closed already
    this.blank = "";
    this.dropsBlank = true;
    return "";
  }

  private takeText(text: string): string {
    const all = this.blank + text;
    if (this.state === "content") return text;
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
}
