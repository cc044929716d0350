// An answer that the client has begun: its last message is the assistant's, and the model goes on from its last letter. The template
// renders that message like any other; what it writes behind the text, the end of the turn, is cut off.
import { ApiError } from "./error.ts";
import type { ChatRequest, Message } from "./types.ts";

/** The messages with a mark behind the begun text, and what finds the mark in the rendered text. Throws ApiError where there is no such text. */
export function markBegun(messages: readonly Message[]): { readonly marked: readonly Message[]; cut(rendered: string): string } {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || last.toolCalls?.length) throw cannot("the last message is none of the assistant's that is only text");
  const mark = `[${crypto.randomUUID()}]`; // keeps a template from trimming the text, too
  return {
    marked: [...messages.slice(0, -1), { ...last, content: last.content + mark }],
    cut: rendered => {
      const [text = "", ...more] = rendered.split(mark);
      if (more.length !== 1) throw cannot("the model's chat template does not show it once, as it is");
      return text;
    },
  };
}

/** Throws ApiError for what would hold the answer from its first letter on: the server cannot know what the client's part stands for. */
export function checkBegun({ continues, toolChoice, generation }: ChatRequest): void {
  if (!continues) return;
  const param = generation.constraint?.field ?? (toolChoice === "auto" || toolChoice === "none" ? undefined : "tool_choice");
  if (param === undefined) return;
  throw new ApiError(400, `'${param}' cannot be combined with an answer that the client has begun: leave out the last message, or '${param}'.`, {
    code: "invalid_value",
    param,
  });
}

function cannot(reason: string): ApiError {
  return new ApiError(400, `The answer cannot go on from the last of 'messages': ${reason}.`, { code: "cannot_continue", param: "messages" });
}
