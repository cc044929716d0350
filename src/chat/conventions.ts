// What a model's chat template can take. Templates were written for transformers and differ; what one expects is found out once, by looking
// at its text and by rendering conversations that nobody had.
import { TemplateError } from "../tokenizer/error.ts";
import type { ChatTemplate, TemplateInput } from "../tokenizer/template.ts";

export interface Conventions {
  readonly developer: boolean; // knows that role; otherwise it is told as system
  readonly system: boolean; // knows that role; otherwise what we have to say stands in the first user's message
  readonly laterSystem: boolean; // takes it also between turns
  readonly repeats: boolean; // takes two messages of one role in a row
  readonly argumentsAs: "object" | "text";
  readonly joinsResults: boolean; // takes results of tools in the message that called them
  readonly reasoningKeys: readonly string[]; // under which earlier reasoning is looked for
  /** What the template shows itself; the rest is told as text. */
  readonly shows: { readonly tools: boolean; readonly calls: boolean; readonly results: boolean };
}

type Messages = TemplateInput["messages"];
type TemplateMessage = Messages[number];

const callId = "pippin001"; // some templates want nine letters
const user = { role: "user", content: "?" };
const assistant = { role: "assistant", content: "!" };
const tool = { type: "function", function: { name: "pippin_tool", description: "?", parameters: { type: "object", properties: {} } } };

export function readConventions(template: ChatTemplate | undefined): Conventions {
  if (!template)
    return {
      developer: false,
      system: true,
      laterSystem: true,
      repeats: true,
      argumentsAs: "object",
      joinsResults: false,
      reasoningKeys: [],
      shows: { tools: false, calls: false, results: false },
    };
  const reasoningKeys = ["reasoning_content", "reasoning", "thinking"].filter(key => template.mentions(new RegExp(`\\.${key}\\b|["']${key}["']`)));
  const argumentsAs = !showsCall(template, "object") && showsCall(template, "text") ? "text" : "object";
  const tools = template.mentions(/\btools\b/);
  return {
    developer: template.mentions(/developer/),
    system: shows(template, [{ role: "system", content: "pippin_system" }, user], ["pippin_system"]),
    laterSystem: shows(template, [user, assistant, { role: "system", content: "pippin_system" }, user], ["pippin_system"]),
    repeats: shows(
      template,
      [
        { role: "user", content: "pippin_first" },
        { role: "user", content: "pippin_second" },
      ],
      ["pippin_first", "pippin_second"],
    ),
    argumentsAs,
    joinsResults: template.mentions(/\btool_responses\b/) && !knowsRole(template, "tool"),
    reasoningKeys,
    shows: {
      tools,
      calls: template.mentions(/\btool_calls\b/) && (tools || showsCall(template, argumentsAs)),
      results: tools && shows(template, [user, assistant, result], ["pippin_result"]),
    },
  };
}

const result = { role: "tool", content: "pippin_result", tool_call_id: callId, name: "pippin_tool" };

/** Whether a message of this role is shown in another way than one of a role that nobody knows. */
function knowsRole(template: ChatTemplate, role: string): boolean {
  const shown = (name: string) => render(template, [user, calling({}), { ...result, role: name }], [tool]);
  return shown(role) !== shown("pippin_role")?.replaceAll("pippin_role", role);
}

/** Most templates write an object as JSON; some can only add a text to a text. */
function showsCall(template: ChatTemplate, argumentsAs: Conventions["argumentsAs"]): boolean {
  const given = { pippin_key: "pippin_value" };
  const call = calling(argumentsAs === "object" ? given : JSON.stringify(given));
  return shows(template, [user, call, result], ["pippin_key", "pippin_value"], [tool]);
}

function calling(given: object | string): TemplateMessage {
  return { role: "assistant", content: "", tool_calls: [{ type: "function", id: callId, function: { name: "pippin_tool", arguments: given } }] };
}

function shows(template: ChatTemplate, messages: Messages, words: readonly string[], tools: TemplateInput["tools"] = []): boolean {
  const text = render(template, messages, tools);
  return text !== undefined && words.every(word => text.includes(word)) && !text.includes("[object");
}

/** undefined where the template refuses. */
function render(template: ChatTemplate, messages: Messages, tools: TemplateInput["tools"]): string | undefined {
  try {
    return template.render({ messages, tools, variables: {} });
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}
