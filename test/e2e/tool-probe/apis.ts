// One way to ask, for three wire formats and their official clients, which add up the streams themselves.
import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import type { ProbeCall, ProbeTool, Turn } from "./probes.ts";

export interface Clients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

export interface Asked {
  readonly tools: readonly ProbeTool[];
  readonly messages: readonly Turn[];
  readonly thinking: boolean;
  readonly stream: boolean;
}

export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly ProbeCall[];
  readonly ids: readonly string[]; // of the calls
  readonly ended: "calls" | "text" | "otherwise"; // what the answer says of its end
}

export type Api = (clients: Clients, asked: Asked) => Promise<Answer>;

const model = "pippin-mini";
const most = 400;

const idOf = (turn: number) => `call_probe_${turn}`;

const chat: Api = async ({ openai }, { tools, messages, thinking, stream }) => {
  const request = {
    model,
    temperature: 0,
    max_tokens: most,
    messages: messages.flatMap((turn, i): OpenAI.Chat.ChatCompletionMessageParam[] => {
      if ("user" in turn) return [{ role: "user", content: turn.user }];
      const { name, arguments: given } = turn.called;
      return [
        { role: "assistant", content: null, tool_calls: [{ id: idOf(i), type: "function", function: { name, arguments: JSON.stringify(given) } }] },
        { role: "tool", tool_call_id: idOf(i), content: turn.result },
      ];
    }),
    tools: tools.map(tool => ({ type: "function" as const, function: { ...tool, parameters: { ...tool.parameters } } })),
    chat_template_kwargs: { enable_thinking: thinking },
  };
  const { choices } = stream ? await openai.chat.completions.stream(request).finalChatCompletion() : await openai.chat.completions.create(request);
  const { message, finish_reason } = choices[0]!;
  const calls = (message.tool_calls ?? []).flatMap(call => (call.type === "function" ? [call] : []));
  return {
    text: message.content ?? "",
    reasoning: (message as { reasoning_content?: string }).reasoning_content ?? "",
    calls: calls.map(call => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown })),
    ids: calls.map(call => call.id),
    ended: finish_reason === "tool_calls" ? "calls" : finish_reason === "stop" ? "text" : "otherwise",
  };
};

const messagesApi: Api = async ({ anthropic }, { tools, messages, thinking, stream }) => {
  const request = {
    model,
    temperature: 0,
    max_tokens: most,
    messages: messages.flatMap((turn, i): Anthropic.MessageParam[] => {
      if ("user" in turn) return [{ role: "user", content: turn.user }];
      const { name, arguments: input } = turn.called;
      return [
        { role: "assistant", content: [{ type: "tool_use", id: idOf(i), name, input }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: idOf(i), content: turn.result }] },
      ];
    }),
    tools: tools.map(({ name, description, parameters }) => ({ name, description, input_schema: parameters })),
    thinking: thinking ? { type: "enabled" as const, budget_tokens: most - 100 } : { type: "disabled" as const },
  };
  const message = stream ? await anthropic.messages.stream(request).finalMessage() : await anthropic.messages.create(request);
  const calls = message.content.flatMap(block => (block.type === "tool_use" ? [block] : []));
  return {
    text: message.content.map(block => (block.type === "text" ? block.text : "")).join(""),
    reasoning: message.content.map(block => (block.type === "thinking" ? block.thinking : "")).join(""),
    calls: calls.map(({ name, input }) => ({ name, arguments: input })),
    ids: calls.map(({ id }) => id),
    ended: message.stop_reason === "tool_use" ? "calls" : message.stop_reason === "end_turn" ? "text" : "otherwise",
  };
};

const responses: Api = async ({ openai }, { tools, messages, thinking, stream }) => {
  const request = {
    model,
    temperature: 0,
    max_output_tokens: most,
    input: messages.flatMap((turn, i): OpenAI.Responses.ResponseInputItem[] => {
      if ("user" in turn) return [{ role: "user", content: turn.user }];
      const { name, arguments: given } = turn.called;
      return [
        { type: "function_call", call_id: idOf(i), name, arguments: JSON.stringify(given) },
        { type: "function_call_output", call_id: idOf(i), output: turn.result },
      ];
    }),
    tools: tools.map(tool => ({ type: "function" as const, strict: false, ...tool, parameters: { ...tool.parameters } })),
    reasoning: { effort: thinking ? ("medium" as const) : ("none" as const) },
  };
  const { output, output_text, status } = stream ? await openai.responses.stream(request).finalResponse() : await openai.responses.create(request);
  const calls = output.flatMap(item => (item.type === "function_call" ? [item] : []));
  const complete = status === "completed" && calls.every(call => call.status === "completed");
  return {
    text: output_text,
    reasoning: output
      .flatMap(item => (item.type === "reasoning" ? [...item.summary, ...(item.content ?? [])] : []))
      .map(part => part.text)
      .join(""),
    calls: calls.map(({ name, arguments: given }) => ({ name, arguments: JSON.parse(given) as unknown })),
    ids: calls.map(call => call.call_id),
    ended: !complete ? "otherwise" : calls.length > 0 ? "calls" : "text",
  };
};

export const apis: Readonly<Record<string, Api>> = { "chat completions": chat, "Anthropic's messages": messagesApi, responses };
