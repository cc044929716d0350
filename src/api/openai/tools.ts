// The tools of a chat body, and which of them the model may or must call.
import type { Tool, ToolChoice } from "../../chat/types.ts";
import { refuse } from "../body.ts";
import type { ChatBody } from "./fields.ts";

/** The tools that the model may see: those of the request, less those that `tool_choice` hides. */
export function decodeTools(body: ChatBody): { readonly tools: readonly Tool[]; readonly toolChoice: ToolChoice } {
  const tools = (body.tools ?? []).map(({ function: wire }): Tool => ({
    name: wire.name,
    ...(wire.description && { description: wire.description }),
    ...(wire.parameters && { parameters: wire.parameters as Record<string, unknown> }),
    ...(typeof wire.strict === "boolean" && { strict: wire.strict }),
  }));
  const twice = tools.findIndex((tool, i) => tools.findIndex(other => other.name === tool.name) < i);
  if (twice >= 0) refuse({ path: ["tools", twice, "function", "name"], code: "invalid_value", message: `"${tools[twice]?.name}" is there twice` });
  const choice = body.tool_choice ?? "auto";
  if (choice === "required" && tools.length === 0)
    refuse({ path: ["tool_choice"], code: "invalid_value", message: 'must not be "required" without tools' });
  if (typeof choice === "string") return { tools, toolChoice: choice };
  if (choice.type === "function") {
    const { name } = choice.function;
    checkNames(tools, [name], () => ["tool_choice", "function", "name"]);
    return { tools, toolChoice: { name } };
  }
  const { mode, tools: allowed } = choice.allowed_tools;
  const names = allowed.map(tool => tool.function.name);
  checkNames(tools, names, at => ["tool_choice", "allowed_tools", "tools", at]);
  return { tools: tools.filter(tool => names.includes(tool.name)), toolChoice: mode };
}

function checkNames(tools: readonly Tool[], names: readonly string[], pathOf: (at: number) => (string | number)[]): void {
  const unknown = names.findIndex(name => !tools.some(tool => tool.name === name));
  if (unknown >= 0) refuse({ path: pathOf(unknown), code: "invalid_value", message: `"${names[unknown]}" is not among the tools` });
}
