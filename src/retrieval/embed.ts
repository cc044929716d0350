// Texts → vectors: prompts, special tokens, lengths, the engine, and how many numbers are wanted.
import { ApiError } from "../chat/error.ts";
import type { EncodeText } from "../engine/protocol.ts";
import type { EncoderService } from "./service.ts";
import { toIds } from "../chat/limits.ts";

export interface EmbeddingRequest {
  readonly inputs: readonly (string | readonly number[])[]; // texts, or the ids of whole texts
  readonly isList: boolean; // a single input is called `input`, one of several `input[2]`
  readonly dimensions?: number; // the first numbers of a vector, at length 1 again
  readonly overflow?: "truncate" | "error"; // the service's own rule when absent
  readonly promptName?: string; // one of the checkpoint's prompts goes before each text
}

export interface Embeddings {
  readonly vectors: readonly Float32Array[];
  readonly tokens: number; // that were read
  readonly truncated: number; // inputs that were cut
}

/** Throws ApiError for what the request got wrong and EngineError for what the engine could not do. */
export async function embed(service: EncoderService, request: EmbeddingRequest, signal: AbortSignal): Promise<Embeddings> {
  const { info } = service.engine;
  if (info === undefined) throw new Error("the engine was never ready");
  const { dimensions } = request;
  if (dimensions !== undefined && dimensions > info.width)
    throw new ApiError(400, `'dimensions' is ${dimensions}; the vectors of this model have ${info.width} numbers.`, {
      code: "invalid_value",
      param: "dimensions",
    });
  const prompt = promptOf(service, request.promptName);
  const strings = request.inputs.filter(input => typeof input === "string");
  const encoded = (await service.encodeAll(strings.map(text => prompt + text)))[Symbol.iterator]();
  const name = (i: number) => (request.isList ? `input[${i}]` : "input");
  const texts: EncodeText[] = [];
  let truncated = 0;
  for (const [i, input] of request.inputs.entries()) {
    const bare = typeof input === "string" ? encoded.next().value! : toIds(input, info.vocabSize, name(i));
    const room = service.maxLength - (typeof input === "string" ? service.frame.size : 0);
    const length = bare.length + service.maxLength - room;
    if (length === 0) throw new ApiError(400, `'${name(i)}' has no tokens.`, { code: "empty_input", param: name(i) });
    if (bare.length > room) {
      if ((request.overflow ?? service.overflow) === "error") throw tooLong(name(i), length, service.maxLength);
      truncated += 1;
    }
    texts.push(typeof input === "string" ? service.frame.wrap([bare], service.maxLength) : { ids: bare.subarray(0, room) });
  }
  const vectors = await service.engine.encode(texts, signal);
  return {
    vectors: dimensions === undefined ? vectors : vectors.map(vector => shorten(vector, dimensions)),
    tokens: texts.reduce((sum, { ids }) => sum + ids.length, 0),
    truncated,
  };
}

export function tooLong(param: string, length: number, maxLength: number): ApiError {
  return new ApiError(400, `'${param}' has ${length} tokens; this model takes ${maxLength}.`, { code: "input_too_long", param });
}

function promptOf({ settings }: EncoderService, name: string | undefined): string {
  const wanted = name ?? settings.defaultPrompt;
  if (wanted === undefined) return "";
  const prompt = settings.prompts.get(wanted);
  if (prompt !== undefined) return prompt;
  const known = [...settings.prompts.keys()].join(", ");
  throw new ApiError(400, `'prompt_name' is ${JSON.stringify(wanted)}; ${known ? `this model has ${known}` : "this model has no prompts"}.`, {
    code: "invalid_value",
    param: "prompt_name",
  });
}

function shorten(vector: Float32Array, dimensions: number): Float32Array {
  const kept = vector.slice(0, dimensions);
  const length = Math.hypot(...kept);
  return length === 0 ? kept : kept.map(x => x / length);
}
