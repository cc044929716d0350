// Tool calls as JSON between tags (Hermes, Qwen2.5, Qwen3): <tool_call>{"name": "f", "arguments": {…}}</tool_call>, any number of them.
// Blank space around a call belongs to the markup. What turns out to be no call stays in the text, tags and all.
import { Splitter } from "../splitter.ts";
import type { Piece, ToolEvent, ToolFormat, ToolParser } from "../types.ts";
import { JsonCall } from "./json-call.ts";

const open = "<tool_call>";
const close = "</tool_call>";

const others = ["<function=", "<arg_key>", "<tool_calls>"]; // formats that use the same tag

export const hermes: ToolFormat = {
  name: "hermes",
  aliases: ["nous", "qwen", "qwen3"],
  markers: [open, close],
  detect: ({ template }) => template.includes(open) && /\\?"name\\?"/.test(template) && !others.some(marker => template.includes(marker)),
  open: ({ tokens }) => new Hermes(tokens),
};

/**
 * text   outside of calls
 * call   after an opening tag, inside the object
 * tail   after an object; its closing tag should come
 */
type State = "text" | "call" | "tail";

class Hermes implements ToolParser {
  private readonly splitter: Splitter;
  private state: State = "text";
  private call = new JsonCall();
  private raw = ""; // of a call that is not announced yet
  private blank = ""; // blank space that a call may follow
  private afterCall = false; // blank space here belongs to the markup
  private unclosed = false; // a call has ended whose closing tag may still come

  constructor(tokens: ReadonlySet<string>) {
    this.splitter = new Splitter(tokens);
  }

  feed(piece: Piece): ToolEvent[] {
    this.splitter.push(piece);
    return this.drain();
  }

  end(): ToolEvent[] {
    this.splitter.close(true);
    const events = this.drain();
    while (this.state === "call") events.push(...this.leaveCall(), ...this.drain());
    return [...events, ...this.flushBlank()];
  }

  private drain(): ToolEvent[] {
    const events: ToolEvent[] = [];
    for (let more = true; more;) {
      const found = this.state === "call" ? this.takeInCall() : this.takeOutside();
      more = found !== undefined;
      events.push(...(found ?? []));
    }
    return events;
  }

  /** Undefined when there is nothing to take now; so with the other two. */
  private takeOutside(): ToolEvent[] | undefined {
    const part = this.splitter.next(this.unclosed ? [open, close] : [open]);
    if (!part) return undefined;
    if (part.type === "text") return this.state === "tail" ? this.takeTail(part.text, part.token) : this.takeText(part.text, part.token);
    this.unclosed = false;
    this.state = part.text === open ? "call" : "text";
    if (this.state === "call") this.beginCall(part.text);
    return [];
  }

  private beginCall(raw: string): void {
    this.state = "call";
    this.call = new JsonCall();
    this.raw = raw;
  }

  private takeText(text: string, token: boolean): ToolEvent[] {
    if (token) return [...this.flushBlank(), { type: "text", text, token }];
    const all = this.blank + text;
    const whole = this.afterCall ? all.trimStart() : all;
    const kept = whole.trimEnd();
    this.blank = whole.slice(kept.length);
    if (kept === "") return [];
    this.afterCall = false;
    return [plain(kept)];
  }

  private flushBlank(): ToolEvent[] {
    const { blank, afterCall } = this;
    this.blank = "";
    this.afterCall = false;
    return blank && !afterCall ? [plain(blank)] : [];
  }

  /** Some models close one brace too many, or write two objects into one pair of tags. */
  private takeTail(text: string, token: boolean): ToolEvent[] {
    const rest = text.replace(/^[\s}]+/, "");
    if (rest === "") return [];
    if (rest.startsWith("{")) {
      this.beginCall("");
      this.splitter.unshift(rest);
      return [];
    }
    this.state = "text";
    return this.takeText(rest, token);
  }

  private takeInCall(): ToolEvent[] | undefined {
    const part = this.splitter.next([]);
    if (!part) return undefined;
    const length = this.call.read(part.text);
    if (!this.call.announced) this.raw += part.text.slice(0, length);
    this.splitter.unshift(part.text.slice(length), part.type === "text" && part.token && length === 0);
    const events = this.call.events();
    if (events.some(event => event.type === "call")) this.blank = "";
    if (this.call.state === "reading") return events;
    return [...events, ...this.leaveCall()];
  }

  /** The object is complete, broken, or cut off by the end of the text. */
  private leaveCall(): ToolEvent[] {
    const { call, raw } = this;
    this.raw = "";
    if (call.announced) {
      this.state = "tail";
      this.afterCall = true;
      this.unclosed = true;
      return call.close();
    }
    this.state = "text";
    const tag = raw.startsWith(open) ? open : "";
    this.splitter.unshift(raw.slice(tag.length)); // there may be a call further on
    if (!tag) return this.skipBrace();
    return this.takeText(tag, false);
  }

  /** A second object in one pair of tags that is none: its brace is text, or it would be tried for ever. */
  private skipBrace(): ToolEvent[] {
    const part = this.splitter.next([]);
    if (!part) return [];
    this.splitter.unshift(part.text.slice(1));
    return this.takeText(part.text.slice(0, 1), false);
  }
}

function plain(text: string): ToolEvent {
  return { type: "text", text, token: false };
}
