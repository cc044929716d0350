// The items of a response as they grow, and the events that tell of each step. A response that is not streamed is what is left at the end.
import type { ChatEvent, TextLogprob } from "../../chat/types.ts";
import { randomId } from "../../util/id.ts";
import { InputText } from "../input-text.ts";
import { sealThought } from "./items.ts";
import type { Known } from "./tools.ts";
import { toTokenLogprob } from "../logprob.ts";

export interface WireEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface OutputOptions {
  /** The tool behind a name that the model calls. */
  readonly known: ReadonlyMap<string, Known>;
  readonly sealsThoughts: boolean;
}

/** An item under construction. Every method gives the events of its step. */
interface Open {
  readonly type: "message" | "reasoning" | "call";
  write(text: string, tokens?: readonly TextLogprob[]): WireEvent[]; // with the likelihoods of these tokens
  /** The item as it stands. */
  item(status: Status): object;
  end(): WireEvent[];
}

type Status = "in_progress" | "completed" | "incomplete";

export class Output {
  private readonly done: object[] = [];
  private open: Open | undefined;

  constructor(private readonly options: OutputOptions) {}

  take(event: ChatEvent): WireEvent[] {
    switch (event.type) {
      case "text":
        return this.writeTo("message", event.text, event.logprobs);
      case "reasoning":
        return this.writeTo("reasoning", event.text);
      case "tool-call":
        return this.start(openCall(event.id, this.options.known.get(event.name) ?? { type: "function", name: event.name }, this.index + 1));
      case "tool-arguments":
        return this.open?.type === "call" ? this.open.write(event.text) : [];
      case "logprobs":
        return this.open?.type === "message" ? this.open.write("", event.tokens) : [];
      default:
        return [];
    }
  }

  /** Nothing more comes; the last item is complete unless the answer was cut. */
  end(status: Status = "completed"): WireEvent[] {
    const { open, index } = this;
    if (!open) return [];
    const events = open.end();
    const item = open.item(status);
    this.done.push(item);
    this.open = undefined;
    return [...events, { type: "response.output_item.done", output_index: index, item }];
  }

  items(): readonly object[] {
    return this.open ? [...this.done, this.open.item("in_progress")] : this.done;
  }

  /** Of the open item, or of the last one. */
  private get index(): number {
    return this.done.length - (this.open ? 0 : 1);
  }

  private writeTo(type: "message" | "reasoning", text: string, tokens?: readonly TextLogprob[]): WireEvent[] {
    const opening = this.open?.type === type ? [] : this.start(this.openText(type, this.index + 1));
    return [...opening, ...this.open!.write(text, tokens)];
  }

  private start(open: Open): WireEvent[] {
    const before = this.end();
    this.open = open;
    const part = open.type === "call" ? [] : [partEvent("added", open, this.index)];
    return [...before, { type: "response.output_item.added", output_index: this.index, item: emptied(open.item("in_progress")) }, ...part];
  }

  private openText(type: "message" | "reasoning", index: number): Open {
    return type === "message" ? openMessage(index) : openReasoning(index, this.options.sealsThoughts);
  }
}

/** An item that has just been opened shows no parts yet. */
function emptied(item: object): object {
  return "content" in item ? { ...item, content: [] } : item;
}

function partEvent(step: "added" | "done", open: Open, index: number): WireEvent {
  const { id, content } = open.item("in_progress") as { id: string; content: object[] };
  return { type: `response.content_part.${step}`, item_id: id, output_index: index, content_index: 0, part: content[0] };
}

function openMessage(index: number): Open {
  const id = randomId("msg_");
  const place = { item_id: id, output_index: index, content_index: 0 };
  const logprobs: object[] = [];
  let text = "";
  const open: Open = {
    type: "message",
    write(delta, tokens = []) {
      const wire = tokens.map(toTokenLogprob);
      text += delta;
      logprobs.push(...wire);
      return [{ type: "response.output_text.delta", ...place, delta, logprobs: wire }];
    },
    item: status => ({
      id,
      type: "message",
      status,
      role: "assistant",
      content: [{ type: "output_text", text, annotations: [], logprobs: [...logprobs] }],
    }),
    end: () => [{ type: "response.output_text.done", ...place, text, logprobs }, partEvent("done", open, index)],
  };
  return open;
}

function openReasoning(index: number, seals: boolean): Open {
  const id = randomId("rs_");
  const place = { item_id: id, output_index: index, content_index: 0 };
  let text = "";
  const open: Open = {
    type: "reasoning",
    write(delta) {
      text += delta;
      return [{ type: "response.reasoning_text.delta", ...place, delta }];
    },
    item: status => ({
      id,
      type: "reasoning",
      summary: [],
      content: [{ type: "reasoning_text", text }],
      encrypted_content: seals && status !== "in_progress" ? sealThought(text) : null,
      status,
    }),
    end: () => [{ type: "response.reasoning_text.done", ...place, text }, partEvent("done", open, index)],
  };
  return open;
}

function openCall(callId: string, { type, ...tool }: Known, index: number): Open {
  const custom = type === "custom" ? new InputText() : undefined;
  const [id, event] = custom ? [randomId("ctc_"), "response.custom_tool_call_input"] : [randomId("fc_"), "response.function_call_arguments"];
  const place = { item_id: id, output_index: index };
  const field = custom ? "input" : "arguments";
  let text = "";
  const add = (delta: string): WireEvent[] => {
    text += delta;
    return delta === "" ? [] : [{ type: `${event}.delta`, ...place, delta }];
  };
  return {
    type: "call",
    write: fragment => add(custom ? custom.feed(fragment) : fragment),
    item: status => ({ id, type: custom ? "custom_tool_call" : "function_call", status, call_id: callId, ...tool, [field]: text }),
    end: () => [...add(custom?.end() ?? ""), { type: `${event}.done`, ...place, ...(!custom && { name: tool.name }), [field]: text }],
  };
}
