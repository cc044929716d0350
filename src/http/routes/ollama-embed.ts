// POST /api/embed and the older POST /api/embeddings: Ollama's vectors.
import { Elysia } from "elysia";
import { decodeEmbed, decodeEmbeddings, type EmbedWire } from "../../api/ollama/decode.ts";
import { embedBody } from "../../api/ollama/encode.ts";
import { embedBodySchema, embeddingsBodySchema } from "../../api/ollama/fields.ts";
import { readName } from "../../api/ollama/models.ts";
import { embeddingSchema, embedSchema, errorSchema } from "../../api/ollama/responses.ts";
import { embed, type Embeddings } from "../../retrieval/embed.ts";
import type { Context } from "../context.ts";
import { readUntypedJson } from "../limits.ts";
import { operation } from "../operation.ts";
import { reply } from "../reply.ts";

type Encode = (embeddings: Embeddings, model: string, started: number) => object;

export function ollamaEmbedRoutes(context: Context) {
  const answer = async (decode: (value: unknown) => EmbedWire, encode: Encode, request: Request, requestId: string) => {
    const started = performance.now();
    const { model, request: asked, ignored } = decode(await readUntypedJson(request, context.limits));
    const run = async (signal: AbortSignal) => {
      const known = context.encoders.embed.loaded.map(({ id }) => id);
      const service = await context.encoders.embed.find(readName(model, known));
      const embeddings = await embed(service, asked, signal);
      return { body: encode(embeddings, model ?? service.id, started), truncated: embeddings.truncated };
    };
    return reply({ ids: [requestId], timeoutSeconds: undefined, ignored, run }, request, context);
  };
  const common = { tag: "Ollama", errors: [400, 404, 413, 429, 503, 504], errorSchema };
  return new Elysia()
    .post("/api/embed", ({ request, set }) => answer(decodeEmbed, toEmbed, request, String(set.headers["x-request-id"])), {
      parse: "none",
      detail: operation({ ...common, summary: "Ollama's embeddings", body: embedBodySchema, responses: { 200: embedSchema } }),
    })
    .post("/api/embeddings", ({ request, set }) => answer(decodeEmbeddings, toEmbedding, request, String(set.headers["x-request-id"])), {
      parse: "none",
      detail: operation({
        ...common,
        summary: "Ollama's older embeddings, of one text",
        body: embeddingsBodySchema,
        responses: { 200: embeddingSchema },
      }),
    });
}

const toEmbed: Encode = ({ vectors, tokens }, model, started) => embedBody(model, vectors, tokens, started);
const toEmbedding: Encode = ({ vectors }) => ({ embedding: [...vectors[0]!] });
