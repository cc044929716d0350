// ChatEvents → Ollama's answers: one JSON object, or one per line while the answer is written. Times are nanoseconds.
import type { ChatEvent, FinishEvent } from "../../chat/types.ts";
import { parseObject } from "../../util/json.ts";
import type { Answer, Failure, Frames } from "../frames.ts";

export interface Head {
  readonly model: string;
  readonly shape: "chat" | "generate";
  readonly started: number; // performance.now() when the request came
}

interface Part {
  readonly content?: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly object[];
}

interface Call {
  readonly id: string;
  readonly name: string;
  json: string;
}

/** What both forms learn from the events. */
class Fold {
  readonly calls: Call[] = [];
  private finish: FinishEvent | undefined;
  private read = 0; // when the prompt was read

  constructor(private readonly head: Head) {
    this.read = head.started;
  }

  take(event: ChatEvent): void {
    if (event.type === "start") this.read = performance.now();
    else if (event.type === "tool-call") this.calls[event.index] = { id: event.id, name: event.name, json: "" };
    else if (event.type === "tool-arguments") this.calls[event.index]!.json += event.text;
    else if (event.type === "finish") this.finish = event;
  }

  /** Arguments that are no JSON object are handed over under a name that says so. */
  toolCalls(): object[] {
    return this.calls.map(({ id, name, json }, index) => ({
      id,
      function: { index, name, arguments: json === "" ? {} : (parseObject(json) ?? { INVALID_JSON: json }) },
    }));
  }

  end() {
    const now = performance.now();
    const { usage, reason } = this.finish ?? {};
    return {
      done: true,
      done_reason: reason === "length" ? "length" : "stop",
      total_duration: nanoseconds(now - this.head.started),
      load_duration: 0,
      prompt_eval_count: usage?.promptTokens ?? 0,
      prompt_eval_duration: nanoseconds(this.read - this.head.started),
      eval_count: usage?.completionTokens ?? 0,
      eval_duration: nanoseconds(now - this.read),
    };
  }
}

export function ollamaAnswer(head: Head): Answer {
  const fold = new Fold(head);
  let [content, thinking] = ["", ""];
  return {
    add(event) {
      fold.take(event);
      if (event.type === "text") content += event.text;
      else if (event.type === "reasoning") thinking += event.text;
    },
    body: () => ({ ...toObject(head, { content, ...(thinking && { thinking }), ...callsOf(fold) }), ...fold.end() }),
  };
}

/** Calls are sent whole, before the last line. */
export function ollamaFrames(head: Head): Frames {
  const fold = new Fold(head);
  const running = (part: Part) => line({ ...toObject(head, part), done: false });
  return {
    contentType: "application/x-ndjson",
    open: () => "",
    event(event) {
      fold.take(event);
      if (event.type === "text") return running({ content: event.text });
      if (event.type === "reasoning") return running({ content: "", thinking: event.text });
      return event.type === "finish" && fold.calls.length > 0 ? running({ content: "", ...callsOf(fold) }) : "";
    },
    close: () => line({ ...toObject(head, { content: "" }), ...fold.end() }),
    fail: failure => line(toErrorBody(failure)),
    keepAlive: () => running({ content: "" }),
  };
}

function callsOf(fold: Fold): Pick<Part, "tool_calls"> {
  return fold.calls.length > 0 ? { tool_calls: fold.toolCalls() } : {};
}

function toObject({ model, shape }: Head, { content = "", ...more }: Part) {
  const head = { model, created_at: new Date().toISOString() };
  return shape === "chat" ? { ...head, message: { role: "assistant", content, ...more } } : { ...head, response: content, ...more };
}

/** The answer to a request that asks for nothing but the model. */
export function loadedBody(head: Head) {
  return { ...toObject(head, {}), done: true, done_reason: "load" };
}

export function embedBody(model: string, vectors: readonly Float32Array[], tokens: number, started: number) {
  const embeddings = vectors.map(vector => [...vector]);
  return { model, embeddings, total_duration: nanoseconds(performance.now() - started), load_duration: 0, prompt_eval_count: tokens };
}

export function toErrorBody({ message }: Pick<Failure, "message">) {
  return { error: message };
}

function nanoseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1e6));
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
