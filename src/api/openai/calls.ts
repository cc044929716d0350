// Calls on the chat wire: a function's with its arguments as JSON text, a custom tool's with its input as a text.
import type { ChatEvent } from "../../chat/types.ts";
import { fromArguments } from "../custom-tool.ts";
import { InputText } from "../input-text.ts";

export interface Call {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

export function toToolCall({ id, name, arguments: given }: Call, custom: ReadonlySet<string>) {
  if (custom.has(name)) return { id, type: "custom", custom: { name, input: fromArguments(given) } };
  return { id, type: "function", function: { name, arguments: given } };
}

type Event<Type extends ChatEvent["type"]> = Extract<ChatEvent, { type: Type }>;

/** The calls of a stream as entries of its deltas' `tool_calls`. */
export class CallDeltas {
  private readonly inputs = new Map<string, { readonly event: Event<"tool-call">; readonly text: InputText }>(); // of custom tools

  constructor(private readonly custom: ReadonlySet<string>) {}

  begin(event: Event<"tool-call">): object {
    const { choice, index, id, name } = event;
    if (this.custom.has(name)) this.inputs.set(`${choice}:${index}`, { event, text: new InputText() });
    return { index, ...toToolCall({ id, name, arguments: "" }, this.custom) };
  }

  /** Undefined while nothing of a custom tool's input can be told yet. */
  write({ choice, index, text }: Event<"tool-arguments">): object | undefined {
    const input = this.inputs.get(`${choice}:${index}`);
    if (!input) return { index, function: { arguments: text } };
    const part = input.text.feed(text);
    return part === "" ? undefined : { index, custom: { input: part } };
  }

  /** What was held back of a choice's inputs. */
  end(choice: number): object[] {
    const own = [...this.inputs.values()].filter(({ event }) => event.choice === choice);
    return own.map(({ event, text }) => ({ index: event.index, custom: { input: text.end() } })).filter(({ custom }) => custom.input !== "");
  }
}
