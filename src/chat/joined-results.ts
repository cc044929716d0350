// Results of tools where a template wants them in the message that called the tools, and the answer behind them, as Gemma 4's does: one
// turn of the model, in which calls, results and answer follow one another.
import { parseObject } from "../util/json.ts";
import type { TemplateMessage } from "./messages.ts";

export function joinResults(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const joined: TemplateMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const isAssistant = message["role"] === "assistant";
    if (message["role"] === "tool" && last?.["tool_calls"] !== undefined) joined[joined.length - 1] = withResult(last, message);
    else if (isAssistant && message["tool_calls"] === undefined && isOpen(last)) joined[joined.length - 1] = { ...last, content: message["content"] };
    else if (isAssistant && message["tool_calls"] !== undefined && message["content"] !== "")
      joined.push({ role: "assistant", content: message["content"] }, { ...message, content: "" }); // said before the calls
    else joined.push(message);
  }
  return joined;
}

function withResult(calling: TemplateMessage, { name, content }: TemplateMessage): TemplateMessage {
  const before = (calling["tool_responses"] ?? []) as readonly object[];
  return { ...calling, tool_responses: [...before, { name, response: parseObject(content as string) ?? content }] };
}

/** Has results, and no answer yet. */
function isOpen(message: TemplateMessage | undefined): boolean {
  return message?.["tool_responses"] !== undefined && message["content"] === "";
}
