// Reads the text files of a model folder. A file that is there but broken is an error that names it; whether it may be absent is the caller's choice.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TokenizerError } from "./error.ts";
import { isObject, type Json } from "../util/json.ts";
import { messageOf } from "../util/message-of.ts";

/** The file's text, or undefined when there is no such file. */
export function readText(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new TokenizerError(`${path}: ${messageOf(error)}`);
  }
}

/** The file's JSON object, or undefined when there is no such file. */
export function readObject(folder: string, name: string): Json | undefined {
  const text = readText(folder, name);
  if (text === undefined) return undefined;
  const path = join(folder, name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TokenizerError(`${path} is not JSON: ${messageOf(error)}`);
  }
  if (!isObject(value)) throw new TokenizerError(`${path} holds no JSON object`);
  return value;
}

/** The names in a folder, in order; none when there is no such folder. */
export function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // a caller that needs a file in it names that file
  }
}
