// The file of --warm-prompts: a JSON list of conversations, each a list of messages as in a chat request.
import { readFileSync } from "node:fs";
import { decodeChat } from "../api/openai/decode.ts";
import { ApiError } from "../chat/error.ts";
import type { ChatRequest } from "../chat/types.ts";
import { CliError, exitCodes } from "./error.ts";

/** Throws CliError that names the file, and the conversation that is wrong. */
export function readWarmPrompts(file: string): ChatRequest[] {
  const value = readJson(file);
  if (!Array.isArray(value)) throw wrong(file, "must hold a list of conversations");
  return value.map((messages: unknown, n) => {
    try {
      return decodeChat({ messages, temperature: 0, max_tokens: 1 }).request;
    } catch (error) {
      if (error instanceof ApiError) throw wrong(file, `conversation ${n + 1}: ${error.message}`);
      throw error;
    }
  });
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(`--warm-prompts: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`, exitCodes.notFound);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(file, "is not valid JSON");
  }
}

function wrong(file: string, what: string): CliError {
  return new CliError(`--warm-prompts: ${file}: ${what}`, exitCodes.usage);
}
