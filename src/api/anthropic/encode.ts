// ChatEvents → a message object. What it has in common with the stream (frames.ts) stands here, too.
import type { ChatEvent, FinishEvent, Usage } from "../../chat/types.ts";
import type { Answer, Failure } from "../frames.ts";
import { parseObject } from "../../util/json.ts";

export interface Head {
  readonly id: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly showThinking: boolean; // false: thinking blocks come without their text
}

type Block =
  | { readonly type: "text"; text: string; readonly citations: null }
  | { readonly type: "thinking"; thinking: string; signature: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; input: unknown; json: string };

export function messageAnswer(head: Head): Answer {
  const blocks: Block[] = [];
  let finish: FinishEvent | undefined;
  return {
    add(event) {
      if (event.type === "finish") finish = event;
      else addTo(blocks, event);
    },
    body: () => ({
      ...messageStart(head),
      content: contentOf(blocks, head),
      ...(finish && stopOf(finish, head)),
      ...(finish && { usage: toUsage(finish.usage) }),
    }),
  };
}

function addTo(blocks: Block[], event: ChatEvent): void {
  const last = blocks.at(-1);
  if (event.type === "text") {
    if (last?.type === "text") last.text += event.text;
    else blocks.push({ type: "text", text: event.text, citations: null });
  } else if (event.type === "reasoning") {
    if (last?.type === "thinking") last.thinking += event.text;
    else blocks.push({ type: "thinking", thinking: event.text, signature: "" });
  } else if (event.type === "tool-call") blocks.push({ type: "tool_use", id: event.id, name: event.name, input: {}, json: "" });
  else if (event.type === "tool-arguments" && last?.type === "tool_use") last.json += event.text;
}

/** There is always a first block: clients read it without looking. */
function contentOf(blocks: readonly Block[], { showThinking }: Head): object[] {
  if (blocks.length === 0) return [{ type: "text", text: "", citations: null }];
  return blocks.map(block => {
    if (block.type === "thinking") return { ...block, thinking: showThinking ? block.thinking : "", signature: signatureOf(block.thinking) };
    if (block.type !== "tool_use") return block;
    const { json, ...call } = block;
    return { ...call, input: readInput(json) };
  });
}

/** Arguments that are no JSON object are handed over as Anthropic advises it for broken JSON. */
function readInput(json: string): object {
  return json === "" ? {} : (parseObject(json) ?? { INVALID_JSON: json });
}

/** Clients keep only thinking that is signed. It is a digest of the text and never checked: whoever sends a conversation may write it. */
export function signatureOf(thinking: string): string {
  return new Bun.CryptoHasher("sha256").update(thinking).digest("base64");
}

/** A message of which nothing is known yet. */
export function messageStart({ id, model }: Head) {
  return { id, type: "message", role: "assistant", model, content: [] as object[], stop_reason: null, stop_sequence: null };
}

export function stopOf({ reason, stopString, usage }: FinishEvent, { maxTokens }: Head) {
  const cut = usage.completionTokens < maxTokens ? "model_context_window_exceeded" : "max_tokens";
  const reasons = { stop: stopString === undefined ? "end_turn" : "stop_sequence", length: cut, tool_calls: "tool_use" };
  return { stop_reason: reasons[reason], stop_sequence: stopString ?? null };
}

/** Anthropic counts tokens that came out of the cache apart from the input. */
export function toUsage({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Usage) {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens },
  };
}

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Anthropic's shape of an error. */
export function toErrorBody(failure: Failure, requestId: string) {
  const status = statusOf(failure);
  const type = types[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { type: "error", error: { type, message: failure.message }, request_id: requestId };
}

/** A full queue is no client's fault; Anthropic has a status of its own for it. */
export function statusOf({ status, code }: Failure): number {
  return code === "overloaded" ? 529 : status;
}
