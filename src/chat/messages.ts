// A conversation as a chat template wants it. Templates were written for transformers and differ in what they can take; what a template
// expects is found out once, by looking at its text and by rendering a call that nobody made.
import { TemplateError } from "../tokenizer/error.ts";
import type { ChatTemplate } from "../tokenizer/template.ts";
import type { Message, Tool, ToolCall } from "./types.ts";

export type TemplateMessage = Readonly<Record<string, unknown>>;

export interface Conventions {
  readonly developer: boolean; // knows that role; otherwise it is told as system
  readonly argumentsAs: "object" | "text";
  readonly reasoningKeys: readonly string[]; // under which earlier reasoning is looked for
}

export function readConventions(template: ChatTemplate | undefined): Conventions {
  if (!template) return { developer: false, argumentsAs: "object", reasoningKeys: [] };
  const reasoningKeys = ["reasoning_content", "reasoning", "thinking"].filter(key => template.mentions(new RegExp(`\\.${key}\\b|["']${key}["']`)));
  return { developer: template.mentions(/developer/), argumentsAs: probeArguments(template), reasoningKeys };
}

/** Most templates write an object as JSON; some can only add a text to a text. */
function probeArguments(template: ChatTemplate): Conventions["argumentsAs"] {
  const fits = (argumentsAs: Conventions["argumentsAs"]) => {
    const call: ToolCall = { id: "pippin001", name: "probe", arguments: '{"pippin_key": "pippin_value"}' }; // some templates want nine letters
    const messages: Message[] = [
      { role: "user", content: "?" },
      { role: "assistant", content: "", toolCalls: [call] },
      { role: "tool", content: "!", toolCallId: call.id },
    ];
    const conventions = { developer: false, argumentsAs, reasoningKeys: [] };
    try {
      const text = template.render({
        messages: toTemplateMessages(messages, conventions),
        tools: toTemplateTools([{ name: "probe" }]),
        variables: {},
      });
      return text.includes("pippin_key") && text.includes("pippin_value") && !text.includes("[object");
    } catch (error) {
      if (error instanceof TemplateError) return false;
      throw error;
    }
  };
  return !fits("object") && fits("text") ? "text" : "object";
}

export function toTemplateMessages(messages: readonly Message[], conventions: Conventions): TemplateMessage[] {
  const names = new Map(
    messages.flatMap(message => (message.role === "assistant" ? (message.toolCalls ?? []) : [])).map(call => [call.id, call.name]),
  );
  return messages.map(message => toTemplateMessage(message, conventions, names));
}

function toTemplateMessage(message: Message, conventions: Conventions, names: ReadonlyMap<string, string>): TemplateMessage {
  const { role, content, name } = message;
  switch (role) {
    case "system":
    case "developer":
    case "user":
      return { role: role === "developer" && !conventions.developer ? "system" : role, content, ...(name !== undefined && { name }) };
    case "tool": {
      const called = name ?? names.get(message.toolCallId);
      return { role, content, tool_call_id: message.toolCallId, ...(called !== undefined && { name: called }) };
    }
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
  const given = conventions.argumentsAs === "object" ? (readObject(call.arguments) ?? call.arguments) : call.arguments;
  return { type: "function", id: call.id, function: { name: call.name, arguments: given } };
}

/** Tools in OpenAI's wrapper, keys in the order in which models saw them in training. */
export function toTemplateTools(tools: readonly Tool[]): TemplateMessage[] {
  return tools.map(({ name, description, parameters }) => ({
    type: "function",
    function: { name, ...(description !== undefined && { description }), parameters: parameters ?? { type: "object", properties: {} } },
  }));
}

/** Undefined unless the text is a JSON object. */
function readObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // the model's own words, which the template then gets as they are
  }
}
