// ChatEvents → a response object, or the events of its stream. Both are one fold.
import type { ChatEvent, FinishEvent } from "../../chat/types.ts";
import type { Answer, Failure, Frames } from "../frames.ts";
import type { ResponsesWire } from "./decode.ts";
import { Output, type WireEvent } from "./output.ts";
import type { Item } from "./schema.ts";

export interface Head {
  readonly id: string;
  readonly created: number; // seconds
  readonly model: string;
  readonly temperature: number; // as it is used
  readonly topP: number;
}

export type Status = "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

export interface ResponseObject {
  readonly id: string;
  readonly status: Status;
  readonly output: readonly object[];
  readonly [field: string]: unknown;
}

/** One response from its first event to its last. */
export class ResponseFold {
  private readonly output: Output;
  private status: Status = "in_progress";
  private error: { readonly code: string; readonly message: string } | null = null;
  private finish: FinishEvent | undefined;

  constructor(
    private readonly head: Head,
    private readonly wire: ResponsesWire,
  ) {
    this.output = new Output(wire);
  }

  take(event: ChatEvent): WireEvent[] {
    if (event.type !== "finish") return this.output.take(event);
    this.finish = event;
    this.status = event.reason === "length" ? "incomplete" : "completed";
    return this.output.end(this.status);
  }

  fail({ status, code, message }: Failure): void {
    this.output.end("incomplete");
    this.status = code === "cancelled" ? "cancelled" : "failed";
    this.error = { code: status === 429 ? "rate_limit_exceeded" : status >= 500 ? "server_error" : (code ?? "invalid_prompt"), message };
  }

  body(): ResponseObject {
    const { id, created, model, temperature, topP } = this.head;
    const { body, request } = this.wire;
    const output = this.output.items();
    return {
      id,
      object: "response",
      created_at: created,
      status: this.status,
      completed_at: this.status === "completed" ? Math.floor(Date.now() / 1000) : null,
      background: body.background ?? false,
      error: this.error,
      incomplete_details: this.status === "incomplete" ? { reason: "max_output_tokens" } : null,
      instructions: body.instructions ?? null,
      max_output_tokens: body.max_output_tokens ?? null,
      max_tool_calls: body.max_tool_calls ?? null,
      metadata: body.metadata ?? {},
      model,
      output,
      output_text: textOf(output),
      parallel_tool_calls: request.parallelToolCalls,
      previous_response_id: body.previous_response_id ?? null,
      prompt_cache_key: body.prompt_cache_key ?? null,
      reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
      safety_identifier: body.safety_identifier ?? null,
      service_tier: "default",
      store: body.store ?? true,
      temperature,
      text: { format: { type: "text" }, ...body.text },
      tool_choice: body.tool_choice ?? "auto",
      tools: body.tools ?? [],
      top_logprobs: body.top_logprobs ?? 0,
      top_p: topP,
      truncation: "disabled",
      usage: this.usage(),
      user: body.user ?? null,
    };
  }

  /** The conversation with this answer at its end; nothing that was cut off while it was being written. */
  items(): readonly Item[] {
    return [...this.wire.items, ...(this.output.items() as Item[])];
  }

  private usage() {
    if (!this.finish) return null;
    const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = this.finish.usage;
    return {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: cachedTokens },
      output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: reasoningTokens },
      total_tokens: promptTokens + completionTokens,
    };
  }
}

/** All text of the answer, as OpenAI's own clients put it together. */
function textOf(output: readonly object[]): string {
  const messages = output as readonly { readonly type: string; readonly content?: readonly { readonly text: string }[] }[];
  return messages
    .filter(({ type }) => type === "message")
    .flatMap(({ content = [] }) => content.map(({ text }) => text))
    .join("");
}

export function responseAnswer(fold: ResponseFold): Answer {
  return { add: event => void fold.take(event), body: () => fold.body() };
}

/** `ended` is called once with the stream's last event still to be written. */
export function responseFrames(fold: ResponseFold, ended: () => void): Frames {
  let sequence = 0;
  const write = (events: readonly WireEvent[]) => {
    let text = "";
    for (const { type, ...rest } of events) text += `event: ${type}\ndata: ${JSON.stringify({ type, ...rest, sequence_number: sequence++ })}\n\n`;
    return text;
  };
  const state = (type: string): WireEvent => ({ type, response: fold.body() });
  const last = () => {
    ended();
    const { status } = fold.body();
    return write([state(`response.${status === "cancelled" ? "failed" : status}`)]);
  };
  return {
    open: () => write([state("response.created"), state("response.in_progress")]),
    event: event => write(fold.take(event)),
    close: last,
    fail(failure) {
      fold.fail(failure);
      return last();
    },
    /** Clients count events as life, not comments; this one tells them nothing new. */
    keepAlive: () => write([state("response.in_progress")]),
  };
}
