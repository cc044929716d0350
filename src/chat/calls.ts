// Tool calls of one answer on their way to the client: each gets an id, its arguments become what its tool's schema asks for, and a call
// that repeats an earlier one word for word is left out; small models fall into such loops.
import { fitsCallId, makeCallId } from "../parsers/call-ids.ts";
import type { CallIds, ToolEvent } from "../parsers/types.ts";
import { ArgumentsCoercion } from "../parsers/values/coerce.ts";
import type { ChatEvent, Tool } from "./types.ts";

const mostRepeats = 8; // left out; the next one ends the answer
const mostCalls = 128; // of one answer

export interface CallStreamOptions {
  readonly choice: number;
  readonly offered: readonly Tool[];
  readonly parallel: boolean;
  readonly ids: CallIds;
  readonly earlier: readonly string[]; // the ids of the conversation's calls
}

interface Call {
  readonly name: string;
  readonly id: string | undefined; // the model's own
  readonly coercion: ArgumentsCoercion;
  readonly rivals: readonly string[]; // the arguments of earlier calls with this name
  text: string;
  announced: boolean;
}

export class CallStream {
  /** Calls that the client was told of. */
  count = 0;
  /** No more is wanted. */
  finished = false;
  private readonly used: Set<string>;
  private readonly made = new Map<string, string[]>(); // arguments of the calls so far, by name
  private repeats = 0;
  private call: Call | undefined;

  constructor(private readonly options: CallStreamOptions) {
    this.used = new Set(options.earlier);
  }

  take(event: Exclude<ToolEvent, { type: "text" }>): ChatEvent[] {
    if (event.type === "call") return this.begin(event.name, event.id);
    if (!this.call) return [];
    if (event.type === "arguments") return this.write(this.call, this.call.coercion.feed(event.text));
    return this.finish(this.call);
  }

  private begin(name: string, id: string | undefined): ChatEvent[] {
    const tool = this.options.offered.find(each => each.name === name);
    const rivals = this.made.get(name) ?? [];
    this.call = { name, id, coercion: new ArgumentsCoercion(tool), rivals, text: "", announced: false };
    return rivals.length === 0 ? this.announce(this.call) : [];
  }

  private announce(call: Call): ChatEvent[] {
    call.announced = true;
    const { choice } = this.options;
    return [{ type: "tool-call", choice, index: this.count++, id: this.idOf(call), name: call.name }];
  }

  private write(call: Call, text: string): ChatEvent[] {
    if (text === "") return [];
    call.text += text;
    if (call.announced) return [this.argumentsEvent(text)];
    if (call.rivals.some(rival => rival.startsWith(call.text))) return [];
    return [...this.announce(call), this.argumentsEvent(call.text)];
  }

  private finish(call: Call): ChatEvent[] {
    const events = this.write(call, call.coercion.end());
    this.call = undefined;
    if (!call.announced && call.rivals.includes(call.text)) {
      this.repeats++;
      this.finished = this.repeats > mostRepeats;
      return [];
    }
    if (!call.announced) events.push(...this.announce(call), ...(call.text === "" ? [] : [this.argumentsEvent(call.text)]));
    this.made.set(call.name, [...call.rivals, call.text]);
    this.finished = !this.options.parallel || this.count >= mostCalls;
    return events;
  }

  private argumentsEvent(text: string): ChatEvent {
    return { type: "tool-arguments", choice: this.options.choice, index: this.count - 1, text };
  }

  private idOf({ name, id }: Call): string {
    const { ids, earlier } = this.options;
    let index = earlier.length + this.count - 1;
    let own = id !== undefined && fitsCallId(ids, id) ? id : undefined;
    while (own === undefined || this.used.has(own)) own = makeCallId(ids, { name, index: index++, seed: crypto.randomUUID() });
    this.used.add(own);
    return own;
  }
}
