// Where chat templates are found. A file beside the model goes before the entry in tokenizer_config.json, as in transformers.
import { join } from "node:path";
import { isObject, type Json } from "../util/json.ts";
import { listFiles, readObject, readText } from "./files.ts";

/** Template texts by name; "default" is always there, "tool_use" and others may be. */
export type TemplateSources = Readonly<Record<string, string>> & { readonly default: string };

/** Undefined when the model has none. */
export function readTemplates(folder: string, config: Json): TemplateSources | undefined {
  const found: Record<string, string> = {
    ...named(readObject(folder, "chat_template.json")?.["chat_template"]),
    ...named(config["chat_template"]),
    ...inFolder(folder, "additional_chat_templates"),
    ...inFolder(folder, "chat_templates"),
    ...named(readText(folder, "chat_template.jinja")),
  };
  const first = found["default"] ?? Object.values(found)[0];
  return first === undefined ? undefined : { ...found, default: first };
}

/** One template, a list of { name, template }, or an object of both. */
function named(value: unknown): Record<string, string> {
  if (typeof value === "string") return { default: value };
  if (isObject(value)) return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  const found: Record<string, string> = {};
  for (const item of Array.isArray(value) ? (value as readonly unknown[]) : []) {
    if (isObject(item) && typeof item["name"] === "string" && typeof item["template"] === "string") found[item["name"]] = item["template"];
  }
  return found;
}

function inFolder(folder: string, name: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const file of listFiles(join(folder, name))) {
    if (!file.endsWith(".jinja")) continue;
    const text = readText(join(folder, name), file);
    if (text !== undefined) found[file.slice(0, -".jinja".length)] = text;
  }
  return found;
}
