// Anthropic's messages and system texts → the dialect-free ones, in the order of their blocks.
import type { Static } from "typebox";
import type { Message, ToolCall } from "../../chat/types.ts";
import { refuse } from "../body.ts";
import type { blockSchema, messageSchema, systemSchema } from "./schema.ts";

type WireMessage = Static<typeof messageSchema>;
type Block = Static<typeof blockSchema>;
type ResultContent = Extract<Block, { type: "tool_result" }>["content"];

export function decodeMessages(system: Static<typeof systemSchema> | undefined, messages: readonly WireMessage[], ignored: Set<string>): Message[] {
  const opening = system === undefined ? "" : systemText(system);
  const before: Message[] = opening === "" ? [] : [{ role: "system", content: opening }];
  return [...before, ...messages.flatMap((message, at) => decodeMessage(message, at, ignored))];
}

/** Claude Code's line about billing, which has a number that is new in every request: no prefix would ever be found again. */
const billing = /^x-anthropic-billing-header:.*$\n?/gm;

function systemText(system: Static<typeof systemSchema>): string {
  const texts = typeof system === "string" ? [system] : system.map(block => block.text);
  return texts
    .map(text => text.replace(billing, ""))
    .filter(text => text !== "")
    .join("\n");
}

function decodeMessage({ role, content }: WireMessage, at: number, ignored: Set<string>): Message[] {
  const blocks: readonly Block[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
  if (role === "assistant") return [decodeAssistant(blocks, at)];
  if (role === "system") return [{ role, content: blocks.map((block, i) => plainText(block, role, at, i)).join("\n") }];
  return decodeUser(blocks, at, ignored);
}

/** Results and texts in the order in which they stand; neighbouring texts are one message. */
function decodeUser(blocks: readonly Block[], at: number, ignored: Set<string>): Message[] {
  const messages: Message[] = [];
  let texts: string[] = [];
  const endText = () => {
    if (texts.length > 0) messages.push({ role: "user", content: texts.join("\n") });
    texts = [];
  };
  for (const [i, block] of blocks.entries()) {
    if (block.type !== "tool_result") {
      texts.push(plainText(block, "user", at, i));
      continue;
    }
    endText();
    if (typeof block.content !== "string" && block.content?.some(part => part.type === "tool_reference")) ignored.add("tool_reference");
    messages.push({ role: "tool", content: resultText(block.content, block.is_error ?? false), toolCallId: block.tool_use_id });
  }
  endText();
  return messages.length > 0 ? messages : [{ role: "user", content: "" }];
}

function decodeAssistant(blocks: readonly Block[], at: number): Message {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const toolCalls: ToolCall[] = [];
  for (const [i, block] of blocks.entries()) {
    if (block.type === "thinking") thoughts.push(block.thinking);
    else if (block.type === "tool_use") toolCalls.push({ id: block.id, name: block.name, arguments: JSON.stringify(block.input) });
    else if (block.type !== "redacted_thinking") texts.push(plainText(block, "assistant", at, i));
  }
  const reasoning = thoughts.filter(thought => thought !== "").join("\n");
  return { role: "assistant", content: texts.join("\n"), ...(reasoning && { reasoning }), ...(toolCalls.length > 0 && { toolCalls }) };
}

function plainText(block: Block, role: WireMessage["role"], message: number, at: number): string {
  const reads = { text: true, document: role === "user", search_result: role === "user" } as Readonly<Record<string, boolean>>;
  if (!reads[block.type])
    refuse({
      path: ["messages", message, "content", at, "type"],
      code: "invalid_value",
      message: `"${block.type}" does not belong into a message of the ${role}`,
    });
  return textOf(block);
}

function resultText(content: ResultContent, isError: boolean): string {
  const text = typeof content === "string" ? content : (content ?? []).map(textOf).filter(Boolean).join("\n");
  return isError ? `Error: ${text}` : text;
}

function textOf(block: Block | Exclude<NonNullable<ResultContent>, string>[number]): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "search_result":
      return [block.title, block.source, ...block.content.map(part => part.text)].join("\n");
    case "document": {
      const { title, context, source } = block;
      const body =
        source.type === "text" ? source.data : typeof source.content === "string" ? source.content : source.content.map(part => part.text).join("\n");
      return [title, context, body].filter(Boolean).join("\n");
    }
    default:
      return "";
  }
}
