// A conversation as a chat template wants it.
import { fitsCallId, makeCallId } from "../parsers/call-ids.ts";
import type { CallIds } from "../parsers/types.ts";
import type { Conventions } from "./conventions.ts";
import { joinResults } from "./joined-results.ts";
import type { Message, Tool, ToolCall } from "./types.ts";
import { parseObject } from "../util/json.ts";

export type TemplateMessage = Readonly<Record<string, unknown>>;

export function toTemplateMessages(messages: readonly Message[], conventions: Conventions, ids: CallIds = "call"): TemplateMessage[] {
  const calls = messages.flatMap(message => (message.role === "assistant" ? (message.toolCalls ?? []) : []));
  const named = withNames(messages, calls);
  const told = fitIds(named, calls, ids).map(message => toTemplateMessage(message, conventions));
  return conventions.joinsResults ? joinResults(told) : told;
}

/** Results say which function gave them. */
export function withNames(messages: readonly Message[], calls: readonly ToolCall[]): readonly Message[] {
  const names = new Map(calls.map(call => [call.id, call.name]));
  return messages.map(message => {
    const name = message.role === "tool" ? (message.name ?? names.get(message.toolCallId)) : undefined;
    return name === undefined ? message : { ...message, name };
  });
}

/** Ids that the template would not take, because another model's calls stand in the conversation, get others, the same in every turn. */
function fitIds(messages: readonly Message[], calls: readonly ToolCall[], ids: CallIds): readonly Message[] {
  const places = new Map(calls.map((call, index) => [call.id, { name: call.name, index }]));
  const fit = (id: string) => (fitsCallId(ids, id) ? id : makeCallId(ids, { name: "", index: 0, ...places.get(id), seed: id }));
  return messages.map(message => {
    if (message.role === "tool") return { ...message, toolCallId: fit(message.toolCallId) };
    if (message.role !== "assistant" || !message.toolCalls) return message;
    return { ...message, toolCalls: message.toolCalls.map(call => ({ ...call, id: fit(call.id) })) };
  });
}

function toTemplateMessage(message: Message, conventions: Conventions): TemplateMessage {
  const { role, content, name } = message;
  switch (role) {
    case "system":
    case "developer":
    case "user":
      return { role: role === "developer" && !conventions.developer ? "system" : role, content, ...(name !== undefined && { name }) };
    case "tool":
      return { role, content, tool_call_id: message.toolCallId, ...(name !== undefined && { name }) };
    case "assistant": {
      const { reasoning, toolCalls = [] } = message;
      return {
        role,
        content,
        ...(name !== undefined && { name }),
        ...(reasoning !== undefined && Object.fromEntries(conventions.reasoningKeys.map(key => [key, reasoning]))),
        ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(call => toTemplateCall(call, conventions)) }),
      };
    }
  }
}

function toTemplateCall(call: ToolCall, conventions: Conventions): object {
  const given = conventions.argumentsAs === "object" ? (parseObject(call.arguments) ?? call.arguments) : call.arguments;
  return { type: "function", id: call.id, function: { name: call.name, arguments: given } };
}

/** Tools in OpenAI's wrapper, keys in the order in which models saw them in training. */
export function toTemplateTools(tools: readonly Tool[]): TemplateMessage[] {
  return tools.map(({ name, description, parameters }) => ({
    type: "function",
    function: { name, ...(description !== undefined && { description }), parameters: parameters ?? { type: "object", properties: {} } },
  }));
}
