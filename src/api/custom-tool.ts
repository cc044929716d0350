// OpenAI's custom tools, whose input is a text. Models know functions only: here they are functions with one text.
import type { Constraint, Tool } from "../chat/types.ts";
import { fieldName } from "../util/field-name.ts";
import { InputText } from "./input-text.ts";

const oneText = { type: "object", properties: { input: { type: "string" } }, required: ["input"], additionalProperties: false };

export function customTool(base: Pick<Tool, "name" | "description">, input: Constraint | undefined): Tool {
  return { ...base, parameters: oneText, ...(input && { input }) };
}

interface Grammar {
  readonly syntax: "lark" | "regex";
  readonly definition: string;
}

/** `path` leads to the grammar, for errors. */
export function inputConstraint({ syntax, definition }: Grammar, path: readonly (string | number)[]): Constraint {
  const field = fieldName([...path, "definition"]);
  return syntax === "regex" ? { type: "regex", field, pattern: definition } : { type: "grammar", field, text: definition };
}

/** The arguments of a call as its model sees them, and back. */
export function toArguments(input: string): string {
  return JSON.stringify({ input });
}

export function fromArguments(text: string): string {
  const input = new InputText();
  return input.feed(text) + input.end();
}
