// Wire bodies of /v1/messages and /v1/messages/count_tokens → ChatRequest. Throws ApiError 400 naming the field.
import type { ChatRequest, Generation, Tool, ToolChoice } from "../../chat/types.ts";
import { checkBody, refuse } from "../body.ts";
import { countFields, messagesFields, type CountBody, type MessagesBody } from "./fields.ts";
import { decodeMessages } from "./messages.ts";
import { noGeneration, readSampling } from "../generation.ts";

export interface MessagesWire {
  readonly request: ChatRequest;
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly maxTokens: number;
  readonly showThinking: boolean;
  readonly ignored: readonly string[];
}

export function decodeMessagesBody(value: unknown): MessagesWire {
  const ignored = new Set<string>();
  const body = checkBody<MessagesBody>(value, messagesFields, ["messages", "max_tokens"], ignored);
  const maxTokens = body.max_tokens!;
  const { thinking } = body;
  checkBegun(body);
  if (thinking?.type === "enabled" && thinking.budget_tokens >= maxTokens)
    refuse({ path: ["thinking", "budget_tokens"], code: "invalid_value", message: `must be below 'max_tokens' (${maxTokens})` });
  return {
    request: { ...promptOf(body, ignored), generation: generationOf(body, maxTokens) },
    model: body.model,
    stream: body.stream ?? false,
    maxTokens,
    showThinking: !thinking || thinking.type === "disabled" || thinking.display !== "omitted",
    ignored: [...ignored],
  };
}

/** Messages may end with the beginning of the answer. */
function checkBegun({ messages, thinking }: MessagesBody): void {
  const last = messages!.at(-1)!;
  if (last.role !== "assistant") return;
  const blocks = typeof last.content === "string" ? [] : last.content;
  const path = ["messages", messages!.length - 1, "content"];
  const call = blocks.findIndex(block => block.type === "tool_use");
  if (call >= 0)
    refuse({ path: [...path, call], code: "invalid_value", message: "is a call: a message of the user with its 'tool_result' must follow" });
  if (thinking?.type === "enabled" && blocks[0]?.type !== "thinking")
    refuse({ path, code: "invalid_value", message: "begins the answer, which must then start with its thinking block; or disable 'thinking'" });
}

/** As much of a request as makes its prompt. */
export function decodeCountBody(value: unknown): { readonly request: ChatRequest; readonly model: string | undefined } {
  const body = checkBody<CountBody>(value, countFields, ["messages"], new Set());
  return { request: { ...promptOf(body, new Set()), generation: noGeneration }, model: body.model };
}

function promptOf(body: CountBody, ignored: Set<string>): Omit<ChatRequest, "generation"> {
  const { thinking, output_config: output } = body;
  const choice = body.tool_choice;
  const messages = decodeMessages(body.system, body.messages!, ignored);
  const last = messages.at(-1);
  return {
    messages,
    continues: last?.role === "assistant" && !last.toolCalls,
    ...decodeTools(body),
    parallelToolCalls: !(choice && "disable_parallel_tool_use" in choice && choice.disable_parallel_tool_use),
    templateOptions: {
      enable_thinking: thinking !== undefined && thinking.type !== "disabled",
      ...(output?.effort && { reasoning_effort: output.effort }),
    },
    choices: 1,
  };
}

function decodeTools(body: CountBody): { readonly tools: readonly Tool[]; readonly toolChoice: ToolChoice } {
  const tools = (body.tools ?? []).map((wire): Tool => ({
    name: wire.name,
    ...(wire.description && { description: wire.description }),
    parameters: wire.input_schema as Record<string, unknown>,
    ...(typeof wire.strict === "boolean" && { strict: wire.strict }),
  }));
  const twice = tools.findIndex((tool, i) => tools.findIndex(other => other.name === tool.name) < i);
  if (twice >= 0) refuse({ path: ["tools", twice, "name"], code: "invalid_value", message: `"${tools[twice]?.name}" is there twice` });
  const choice = body.tool_choice ?? { type: "auto" };
  if (choice.type === "auto" || choice.type === "none") return { tools, toolChoice: choice.type };
  if (tools.length === 0) refuse({ path: ["tool_choice", "type"], code: "invalid_value", message: `must not be "${choice.type}" without tools` });
  if (choice.type === "any") return { tools, toolChoice: "required" };
  if (!tools.some(tool => tool.name === choice.name))
    refuse({ path: ["tool_choice", "name"], code: "invalid_value", message: `"${choice.name}" is not among the tools` });
  return { tools, toolChoice: { name: choice.name } };
}

function generationOf(body: MessagesBody, maxTokens: number): Generation {
  const { thinking, output_config: output } = body;
  return {
    sampling: readSampling(body),
    maxTokens,
    stop: body.stop_sequences ?? [],
    stopIds: [],
    ...(thinking?.type === "enabled" && { thinkingBudget: thinking.budget_tokens }),
    ...(output?.format && { constraint: { type: "json-schema", field: "output_config.format.schema", schema: output.format.schema } }),
  };
}
