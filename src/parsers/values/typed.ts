// Text that a format gives without a type becomes the JSON that the tool's schema asks for.
import { parseJson } from "../json/nested.ts";
import { literalToJson } from "./literal.ts";
import { allows, typeOf, type JsonType } from "./schema.ts";

/** JSON for a value written as bare text. Where the schema says nothing: JSON if it is, then a Python literal, otherwise a string. */
export function textToJson(text: string, types: ReadonlySet<JsonType> | undefined): string {
  if (types?.size === 1 && types.has("string")) return JSON.stringify(text);
  const trimmed = text.trim();
  const json = parseJson(trimmed) === undefined ? literalToJson(trimmed) : trimmed;
  const value = json === undefined ? undefined : parseJson(json);
  if (json === undefined || value === undefined) return JSON.stringify(text);
  if (!types || allows(types, typeOf(value))) return json;
  if (typeof value === "string") return textAs(value, types) ?? json;
  return types.has("string") ? JSON.stringify(text) : json;
}

/** JSON of another type for a string that holds such a value; undefined where the schema asks for no such thing. */
export function textAs(text: string, types: ReadonlySet<JsonType>): string | undefined {
  if (types.has("string")) return undefined;
  const trimmed = text.trim();
  const lower = trimmed.toLowerCase();
  const json = parseJson(trimmed) !== undefined ? trimmed : parseJson(lower) !== undefined ? lower : literalToJson(trimmed);
  if (json === undefined) return undefined;
  return allows(types, typeOf(parseJson(json))) ? json : undefined;
}
