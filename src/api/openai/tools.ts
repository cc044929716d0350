// The tools of a chat body, and which of them the model may or must call.
import type { Tool, ToolChoice } from "../../chat/types.ts";
import { refuse } from "../body.ts";
import { customTool, inputConstraint } from "../custom-tool.ts";
import type { ChatBody } from "./fields.ts";

export interface DecodedTools {
  /** Those that the model may see: of the request, less those that `tool_choice` hides. */
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly custom: ReadonlySet<string>; // the names of custom tools
}

type WireTool = NonNullable<ChatBody["tools"]>[number];
type NamedTool =
  | { readonly type: "function"; readonly function: { readonly name: string } }
  | { readonly type: "custom"; readonly custom: { readonly name: string } };

export function decodeTools(body: ChatBody): DecodedTools {
  const wire = body.tools ?? [];
  const tools = wire.map(toTool);
  const twice = tools.findIndex((tool, i) => tools.findIndex(other => other.name === tool.name) < i);
  if (twice >= 0)
    refuse({ path: ["tools", twice, wire[twice]!.type, "name"], code: "invalid_value", message: `"${tools[twice]!.name}" is there twice` });
  const custom = new Set(wire.flatMap(tool => (tool.type === "custom" ? [tool.custom.name] : [])));
  return { ...choose(body.tool_choice ?? "auto", tools, custom), custom };
}

function toTool(wire: WireTool, at: number): Tool {
  const { name, description } = wire.type === "custom" ? wire.custom : wire.function;
  const base = { name, ...(description && { description }) };
  if (wire.type === "custom") {
    const { format } = wire.custom;
    const path = ["tools", at, "custom", "format", "grammar"];
    return customTool(base, format?.type === "grammar" ? inputConstraint(format.grammar, path) : undefined);
  }
  const { parameters, strict } = wire.function;
  return {
    ...base,
    ...(parameters && { parameters: parameters as Record<string, unknown> }),
    ...(typeof strict === "boolean" && { strict }),
  };
}

function choose(choice: NonNullable<ChatBody["tool_choice"]>, tools: readonly Tool[], custom: DecodedTools["custom"]): Omit<DecodedTools, "custom"> {
  if (choice === "required" && tools.length === 0)
    refuse({ path: ["tool_choice"], code: "invalid_value", message: 'must not be "required" without tools' });
  if (typeof choice === "string") return { tools, toolChoice: choice };
  const nameOf = (named: NamedTool, path: readonly (string | number)[]): string => {
    const { name } = named.type === "custom" ? named.custom : named.function;
    if (!tools.some(tool => tool.name === name) || custom.has(name) !== (named.type === "custom"))
      refuse({ path: [...path, named.type, "name"], code: "invalid_value", message: `"${name}" is not among the ${named.type} tools` });
    return name;
  };
  if (choice.type !== "allowed_tools") return { tools, toolChoice: { name: nameOf(choice, ["tool_choice"]) } };
  const { mode, tools: allowed } = choice.allowed_tools;
  const names = allowed.map((named, at) => nameOf(named, ["tool_choice", "allowed_tools", "tools", at]));
  return { tools: tools.filter(tool => names.includes(tool.name)), toolChoice: mode };
}
