// Calls as text, in a format's own notation.
import { parseJson } from "./json/nested.ts";
import type { CallSyntax, ParameterSyntax } from "./syntax.ts";

export interface WrittenCall {
  readonly name: string;
  readonly arguments: string; // a JSON object
}

export function writeCalls({ open = "", between, close = "", before, after, parameters }: CallSyntax, calls: readonly WrittenCall[]): string {
  if (calls.length === 0) return "";
  const write = ({ name, arguments: given }: WrittenCall) => before(name) + (parameters ? writeParameters(parameters, given) : given) + after;
  return open + calls.map(write).join(between) + close;
}

function writeParameters({ before, after }: ParameterSyntax, given: string): string {
  return Object.entries(parseJson(given) ?? {})
    .map(([key, value]) => before(key) + (typeof value === "string" ? value : JSON.stringify(value)) + after)
    .join("");
}

/** As Python. */
export function writePythonCall({ name, arguments: given }: WrittenCall): string {
  const values = Object.entries(parseJson(given) ?? {}).map(([key, value]) => `${key}=${toPython(value)}`);
  return `${name}(${values.join(", ")})`;
}

function toPython(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(toPython).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const items = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${toPython(item)}`);
  return `{${items.join(", ")}}`;
}
