// Wire messages and tools → the dialect-free ones. Each message is checked by the schema of its role.
import type { Static } from "typebox";
import type { Message, ToolCall } from "../../chat/types.ts";
import { refuse } from "../body.ts";
import { check, type Problem } from "../check.ts";
import { toArguments } from "../custom-tool.ts";
import { messageSchemas } from "./schema.ts";
import { isObject } from "../../util/json.ts";

type Wire = { readonly [Role in keyof typeof messageSchemas]: Static<(typeof messageSchemas)[Role]> };
type Part = { readonly type: "text"; readonly text: string } | { readonly type: "refusal"; readonly refusal: string };

/** OpenAI's, which change no answer here, and what clients echo from our own answers. */
const harmless = new Set(["annotations", "refusal", "prompt_cache_breakpoint", "index"]);

export function decodeMessages(value: unknown, ignored: Set<string>): Message[] {
  if (!Array.isArray(value)) refuse({ path: ["messages"], code: "invalid_type", message: "must be a list of messages" });
  if (value.length === 0) refuse({ path: ["messages"], code: "invalid_value", message: "must have at least 1 item" });
  return value.map((message: unknown, i) => decodeMessage(message, i, ignored));
}

function decodeMessage(value: unknown, index: number, ignored: Set<string>): Message {
  const role = roleOf(value);
  const schema = role && messageSchemas[role];
  const problem = schema ? check(schema, value) : noSuchRole(value);
  if (problem) refuse({ ...problem, path: ["messages", index, ...problem.path] });
  noteIgnored(value as object, role!, ignored);
  return toMessage(role!, value as never);
}

function roleOf(value: unknown): keyof Wire | undefined {
  if (typeof value !== "object" || value === null || !("role" in value)) return undefined;
  return Object.keys(messageSchemas).find(role => role === value.role) as keyof Wire | undefined;
}

function noSuchRole(value: unknown): Problem {
  if (!isObject(value)) return { path: [], code: "invalid_type", message: "must be an object" };
  const { role } = value;
  if (role === undefined || role === null) return { path: ["role"], code: "missing_required_parameter", message: "is required" };
  if (role === "function")
    return { path: ["role"], code: "unsupported_parameter", message: 'must not be "function": deprecated by OpenAI; use "tool"' };
  return { path: ["role"], code: "invalid_value", message: `must be one of ${Object.keys(messageSchemas).join(", ")}` };
}

function noteIgnored(value: object, role: keyof Wire, ignored: Set<string>): void {
  for (const field of Object.keys(value)) {
    if (!(field in messageSchemas[role].properties) && !harmless.has(field)) ignored.add(`messages.${field}`);
  }
}

function toMessage<Role extends keyof Wire>(role: Role, wire: Wire[Role]): Message {
  const named = wire.name ? { name: wire.name } : {};
  if (wire.role === "assistant") return { ...toAssistant(wire), ...named };
  const content = textOf(wire.content);
  return wire.role === "tool" ? { role: "tool", content, toolCallId: wire.tool_call_id, ...named } : { role: wire.role, content, ...named };
}

function toAssistant(wire: Wire["assistant"]): Message {
  const reasoning = wire.reasoning ?? wire.reasoning_content;
  const toolCalls = wire.tool_calls?.map((call): ToolCall =>
    call.type === "custom"
      ? { id: call.id, name: call.custom.name, arguments: toArguments(call.custom.input) }
      : { id: call.id, name: call.function.name, arguments: call.function.arguments },
  );
  return {
    role: "assistant",
    content: textOf(wire.content ?? wire.refusal ?? ""),
    ...(reasoning && { reasoning }),
    ...(toolCalls?.length && { toolCalls }),
  };
}

function textOf(content: string | readonly Part[]): string {
  return typeof content === "string" ? content : content.map(part => (part.type === "text" ? part.text : part.refusal)).join("\n");
}
