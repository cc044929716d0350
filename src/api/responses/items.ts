// Items of a conversation → the dialect-free messages. What an assistant thought, said and called between two other items is one message.
import type { Message, ToolCall } from "../../chat/types.ts";
import type { Item } from "./schema.ts";
import { toArguments } from "../custom-tool.ts";
import { flatName } from "./tools.ts";

type Assistant = { content: string[]; reasoning: string[]; toolCalls: ToolCall[] };

/** Instructions and the system messages that open the conversation become one; many templates take no more. Later ones stay in their place. */
export function toMessages(instructions: string | undefined, items: readonly Item[], ignored: Set<string>): Message[] {
  const messages = joinItems(items, ignored);
  const start = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const opening = messages.slice(0, start < 0 ? messages.length : start);
  const texts = [instructions ?? "", ...opening.map(({ content }) => content)].filter(text => text !== "");
  return [...(texts.length > 0 ? [{ role: "system", content: texts.join("\n\n") } as const] : []), ...messages.slice(opening.length)];
}

function joinItems(items: readonly Item[], ignored: Set<string>): Message[] {
  const messages: Message[] = [];
  let assistant: Assistant | undefined;
  const speaking = () => (assistant ??= { content: [], reasoning: [], toolCalls: [] });
  const endAssistant = () => {
    if (assistant) messages.push(toAssistant(assistant));
    assistant = undefined;
  };
  for (const item of items) {
    switch (item.type) {
      case "reasoning":
        speaking().reasoning.push(thoughtOf(item, ignored));
        break;
      case "function_call":
        speaking().toolCalls.push({ id: item.call_id, name: flatName(item), arguments: item.arguments });
        break;
      case "custom_tool_call":
        speaking().toolCalls.push({ id: item.call_id, name: flatName(item), arguments: toArguments(item.input) });
        break;
      case "function_call_output":
      case "custom_tool_call_output":
        endAssistant();
        messages.push({ role: "tool", content: textOf(item.output), toolCallId: item.call_id });
        break;
      default:
        if (item.role === "assistant") {
          speaking().content.push(textOf(item.content));
          break;
        }
        endAssistant();
        messages.push({ role: item.role, content: textOf(item.content) });
    }
  }
  endAssistant();
  return messages;
}

function toAssistant({ content, reasoning, toolCalls }: Assistant): Message {
  const thought = reasoning.filter(text => text !== "").join("\n");
  return { role: "assistant", content: content.join("\n"), ...(thought && { reasoning: thought }), ...(toolCalls.length > 0 && { toolCalls }) };
}

type Content = Extract<Item, { role: string }>["content"];

function textOf(content: Content): string {
  return typeof content === "string" ? content : content.map(part => (part.type === "refusal" ? part.refusal : part.text)).join("\n");
}

const sealMark = "pippin-plain:";

/** Thinking for a client that keeps nothing but `encrypted_content`: readable by everybody, because nothing is hidden here. */
export function sealThought(text: string): string {
  return sealMark + Buffer.from(text).toString("base64");
}

function thoughtOf({ content, encrypted_content: sealed }: Extract<Item, { type: "reasoning" }>, ignored: Set<string>): string {
  if (content && content.length > 0) return content.map(part => part.text).join("\n");
  if (sealed?.startsWith(sealMark)) return Buffer.from(sealed.slice(sealMark.length), "base64").toString();
  if (sealed) ignored.add("encrypted_content"); // another server's
  return "";
}
