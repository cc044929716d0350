// Tools, calls and their results as plain text, for templates that do not show them: calls as the model's format writes them, results in a
// user's message, and the tools described in front of everything.
import { writeCalls } from "../parsers/write.ts";
import type { ToolFormat } from "../parsers/types.ts";
import type { Conventions } from "./conventions.ts";
import { withNames } from "./messages.ts";
import type { Message, Tool } from "./types.ts";

export interface ToolText {
  readonly format: ToolFormat;
  readonly tools: readonly Tool[]; // those that the model may call
  readonly conventions: Pick<Conventions, "shows" | "system">;
}

/** The conversation as a template with these conventions can show it. */
export function tellTools(messages: readonly Message[], { format, tools, conventions }: ToolText): readonly Message[] {
  const { shows, system } = conventions;
  const calls = messages.flatMap(message => (message.role === "assistant" ? (message.toolCalls ?? []) : []));
  const named = withNames(messages, calls);
  const called = shows.calls ? named : named.map(message => tellCalls(message, format));
  const answered = shows.results ? called : tellResults(called);
  return shows.tools || tools.length === 0 ? answered : introduce(answered, describeTools(tools, format), system);
}

function tellCalls(message: Message, format: ToolFormat): Message {
  if (message.role !== "assistant" || !message.toolCalls?.length) return message;
  const { toolCalls, ...rest } = message;
  const calls = format.history?.(toolCalls) ?? writeCalls(format.syntax, toolCalls);
  return { ...rest, content: [message.content, calls].filter(Boolean).join("\n\n") };
}

/** Results in a row and what the user says next are one message: many templates want the roles to take turns. */
function tellResults(messages: readonly Message[]): Message[] {
  const told: Message[] = [];
  let afterResult = false;
  for (const message of messages) {
    const last = told.at(-1);
    const joins = afterResult && last?.role === "user" && (message.role === "tool" || message.role === "user");
    const content = message.role === "tool" ? tellResult(message) : message.content;
    if (joins) told[told.length - 1] = { ...last, content: `${last.content}\n${content}` };
    else told.push(message.role === "tool" ? { role: "user", content } : message);
    afterResult = message.role === "tool";
  }
  return told;
}

function tellResult({ content, name }: Extract<Message, { role: "tool" }>): string {
  return `<tool_response${name === undefined ? "" : ` name=${JSON.stringify(name)}`}>\n${content}\n</tool_response>`;
}

function introduce(messages: readonly Message[], text: string, system: boolean): Message[] {
  const [first, ...rest] = messages;
  const roles: readonly string[] = system ? ["system", "developer"] : ["system", "developer", "user"];
  if (first && first.role !== "tool" && first.role !== "assistant" && roles.includes(first.role))
    return [{ ...first, content: first.role === "user" ? `${text}\n\n${first.content}` : `${first.content}\n\n${text}` }, ...rest];
  return [{ role: system ? "system" : "user", content: text }, ...messages];
}

function describeTools(tools: readonly Tool[], format: ToolFormat): string {
  const lines = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ name, ...(description !== undefined && { description }), parameters: parameters ?? { type: "object", properties: {} } }),
  );
  const example = { name: "NAME", arguments: '{"PARAMETER": "VALUE"}' };
  return [
    "You can call these functions, each described by a line of JSON:",
    ...lines,
    "To call one, write this with its name and its arguments, and then wait for the result in <tool_response>:",
    format.history?.([example]) ?? writeCalls(format.syntax, [example]),
    "Call a function only when it helps to answer; otherwise answer as usual.",
  ].join("\n");
}
