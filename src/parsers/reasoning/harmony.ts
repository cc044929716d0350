// The channels of gpt-oss: analysis is reasoning, commentary and final are content. Between <|channel|> or <|start|> and <|message|> stands
// a header, which says whose and which channel's the text behind it is. Calls in commentary are the tool parser's and never come here.
import { Splitter } from "../splitter.ts";
import { harmonyMarkers } from "../tools/harmony.ts";
import type { OpenOptions, Piece, ReasoningEvent, ReasoningFormat, ReasoningParser } from "../types.ts";

const channel = "<|channel|>";
const message = "<|message|>";
const analysis = `${channel}analysis`;

export const harmonyChannels: ReasoningFormat = {
  name: "harmony",
  aliases: ["gpt_oss", "gpt-oss", "openai_gptoss"],
  markers: harmonyMarkers,
  detect: ({ template, hasToken }) => template.includes(channel) || (hasToken(channel) && hasToken(message)),
  startsOpen: prompt => prompt.trimEnd().endsWith(analysis + message),
  open: options => new HarmonyChannels(options),
  block: { open: analysis + message, close: "<|end|>", ending: "<|end|><|start|>assistant" },
  headers: { behind: "<|start|>assistant", content: `${channel}final${message}`, aside: `${channel}commentary${message}` },
};

/**
 * between    outside of messages: at the start, and behind the end of one
 * header     of a message
 * reasoning, text   inside a message
 */
type State = "between" | "header" | "reasoning" | "text";

const longestHeader = 256;

class HarmonyChannels implements ReasoningParser {
  private readonly splitter: Splitter;
  private state: State;
  private header = "";
  private said = { text: false, reasoning: false };
  private breaks = false; // the next words begin a further message

  constructor({ tokens, startsOpen }: OpenOptions & { readonly startsOpen: boolean }) {
    this.splitter = new Splitter(tokens);
    this.state = startsOpen ? "reasoning" : "between";
  }

  get reasoning(): boolean {
    return this.state === "reasoning" || (this.state === "header" && this.header.includes(analysis));
  }

  feed(piece: Piece): ReasoningEvent[] {
    this.splitter.push(piece);
    return this.drain();
  }

  call(): ReasoningEvent[] {
    const events = this.end();
    this.state = "between";
    return events;
  }

  /** A header that no message follows is markup. */
  end(): ReasoningEvent[] {
    this.splitter.close(true);
    const events = this.drain();
    this.splitter.close(false);
    this.header = "";
    return events;
  }

  private drain(): ReasoningEvent[] {
    const events: ReasoningEvent[] = [];
    for (let part = this.splitter.next(harmonyMarkers); part; part = this.splitter.next(harmonyMarkers))
      events.push(...(part.type === "marker" ? this.takeMarker(part.text) : this.takeText(part.text)));
    return events;
  }

  private takeMarker(marker: string): ReasoningEvent[] {
    if (marker === message) this.begin(this.header.includes(analysis) ? "reasoning" : "text");
    else if (marker === "<|constrain|>" && this.state === "header") this.header += marker;
    else if (marker === channel || marker === "<|start|>") {
      this.header = this.state === "header" ? this.header + marker : marker;
      this.state = "header";
    } else this.state = "between";
    return [];
  }

  private begin(state: "reasoning" | "text"): void {
    this.state = state;
    this.header = "";
    this.breaks = this.said[state];
  }

  private takeText(text: string): ReasoningEvent[] {
    if (this.state === "header") {
      this.header += text;
      if (this.header.length <= longestHeader) return [];
      const { header } = this; // no header has so much to say
      this.begin("text");
      return this.say(header);
    }
    if (this.state !== "between") return this.say(text);
    const words = text.trimStart();
    if (words === "") return [];
    this.begin("text"); // a model that uses no channels
    return this.say(words);
  }

  private say(text: string): ReasoningEvent[] {
    const type = this.state === "reasoning" ? "reasoning" : "text";
    const before = this.breaks ? "\n" : "";
    this.breaks = false;
    this.said[type] = true;
    return [{ type, text: before + text }];
  }
}
