// Tools of a Responses body → the dialect-free ones, and back from the name that a model calls to the tool as the client knows it.
// Models know functions only: a tool of a group has the group's name before its own.
import type { Tool, ToolChoice } from "../../chat/types.ts";
import { refuse } from "../body.ts";
import { customTool, inputConstraint } from "../custom-tool.ts";
import type { CustomTool, FunctionTool, WireTool } from "./schema.ts";
import type { InputBody } from "./fields.ts";

/** A tool as its client knows it. */
export interface Known {
  readonly type: "function" | "custom";
  readonly name: string;
  readonly namespace?: string;
}

export interface DecodedTools {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  /** By the name that the model is given. */
  readonly known: ReadonlyMap<string, Known>;
}

export function flatName({ name, namespace }: { readonly name: string; readonly namespace?: string | undefined }): string {
  if (!namespace) return name;
  return namespace.endsWith("__") ? namespace + name : `${namespace}__${name}`;
}

interface Entry {
  readonly tool: Tool;
  readonly known: Known;
  readonly path: readonly (string | number)[];
}

export function decodeTools(body: InputBody, ignored: Set<string>): DecodedTools {
  const entries = (body.tools ?? []).flatMap((wire, at) => entriesOf(wire, ["tools", at], ignored));
  const known = new Map<string, Known>();
  for (const { tool, known: own, path } of entries) {
    if (known.has(tool.name)) refuse({ path: [...path, "name"], code: "invalid_value", message: `"${own.name}" is there twice` });
    known.set(tool.name, own);
  }
  return {
    ...choose(
      body.tool_choice ?? "auto",
      entries.map(entry => entry.tool),
    ),
    known,
  };
}

function entriesOf(wire: WireTool, path: Entry["path"], ignored: Set<string>): Entry[] {
  if (wire.type === "function" || wire.type === "custom") return [entryOf(wire, undefined, path)];
  if (wire.type === "namespace") return wire.tools.map((tool, at) => entryOf(tool, wire.name, [...path, "tools", at]));
  ignored.add(`tools.${wire.type}`);
  return [];
}

function entryOf(wire: FunctionTool | CustomTool, namespace: string | undefined, path: Entry["path"]): Entry {
  const known = { type: wire.type, name: wire.name, ...(namespace !== undefined && { namespace }) };
  const base = { name: flatName(known), ...(wire.description && { description: wire.description }) };
  if (wire.type === "custom") {
    const input = wire.format?.type === "grammar" ? inputConstraint(wire.format, [...path, "format"]) : undefined;
    return { tool: customTool(base, input), known, path };
  }
  const parameters = wire.parameters && { parameters: wire.parameters as Record<string, unknown> };
  return { tool: { ...base, ...parameters, ...(wire.strict === true && { strict: true }) }, known, path };
}

function choose(choice: NonNullable<InputBody["tool_choice"]>, tools: readonly Tool[]): Omit<DecodedTools, "known"> {
  if (choice === "required" && tools.length === 0)
    refuse({ path: ["tool_choice"], code: "invalid_value", message: 'must not be "required" without tools' });
  if (typeof choice === "string") return { tools, toolChoice: choice };
  const names = (choice.type === "allowed_tools" ? choice.tools : [choice]).map(flatName);
  const unknown = names.find(name => !tools.some(tool => tool.name === name));
  if (unknown !== undefined) refuse({ path: ["tool_choice"], code: "invalid_value", message: `names "${unknown}", which is not among the tools` });
  if (choice.type !== "allowed_tools") return { tools, toolChoice: { name: names[0]! } };
  return { tools: tools.filter(tool => names.includes(tool.name)), toolChoice: choice.mode };
}
