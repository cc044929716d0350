// The wire form of /v1/embeddings: every documented field with its fate, body → EmbeddingRequest, vectors → answer.
import Type from "typebox";
import type { Embeddings, EmbeddingRequest } from "../../retrieval/embed.ts";
import { accepted, bodySchema, checkBody, works, type Body } from "../body.ts";
import { encoderPriority, modelField, timeout } from "../common-fields.ts";

const maxInputs = 2048;
const tokenId = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 });
const text = Type.String({ minLength: 1 });
const tokens = Type.Array(tokenId, { minItems: 1 });

export const embeddingFields = {
  input: works(
    Type.Union([text, tokens, Type.Array(text, { minItems: 1, maxItems: maxInputs }), Type.Array(tokens, { minItems: 1, maxItems: maxInputs })], {
      description: "One text or several, or the token ids of whole texts, special tokens included.",
    }),
  ),
  model: modelField('The embedding model; "default" and absence mean the loaded one. Others are loaded by name.'),
  encoding_format: works(Type.Enum(["float", "base64"], { description: "base64 is that of little-endian float32 numbers.", default: "float" })),
  dimensions: works(Type.Integer({ minimum: 1, maximum: 65_536, description: "So many of a vector's first numbers, at length 1 again." })),
  user: accepted(Type.String({ description: "No effect: a local server keeps no users." })),
  prompt_name: works(
    Type.String({ maxLength: 256, description: "One of the prompts in the model's config_sentence_transformers.json; it goes before each text." }),
  ),
  priority: encoderPriority,
  timeout,
};

export const embeddingBodySchema = bodySchema(embeddingFields, ["input"]);

export interface EmbeddingWire {
  readonly request: EmbeddingRequest;
  readonly model: string | undefined;
  readonly isBase64: boolean;
  readonly priority: number | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly ignored: readonly string[];
}

export function decodeEmbeddings(value: unknown): EmbeddingWire {
  const ignored = new Set<string>();
  const body = checkBody<Body<typeof embeddingFields>>(value, embeddingFields, ["input"], ignored);
  const input = body.input!;
  const isList = typeof input !== "string" && typeof input[0] !== "number";
  return {
    request: {
      inputs: isList ? (input as string[] | number[][]) : [input as string | number[]],
      isList,
      ...(body.dimensions !== undefined && { dimensions: body.dimensions }),
      ...(body.prompt_name !== undefined && { promptName: body.prompt_name }),
    },
    model: body.model,
    isBase64: body.encoding_format === "base64",
    priority: body.priority,
    timeoutSeconds: body.timeout,
    ignored: [...ignored],
  };
}

export function encodeEmbeddings({ vectors, tokens }: Embeddings, model: string, isBase64: boolean) {
  return {
    object: "list",
    data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: isBase64 ? toBase64(vector) : [...vector] })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function toBase64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

export const embeddingListSchema = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(
    Type.Object({
      object: Type.Literal("embedding"),
      index: Type.Integer({ description: "Which of the inputs." }),
      embedding: Type.Union([Type.Array(Type.Number()), Type.String()], { description: "Numbers, or base64 as `encoding_format` says." }),
    }),
  ),
  model: Type.String({ description: "The model's id." }),
  usage: Type.Object({
    prompt_tokens: Type.Integer({ description: "Tokens that were read, special ones included." }),
    total_tokens: Type.Integer({ description: "The same." }),
  }),
});
