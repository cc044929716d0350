// POST /v1/embeddings.
import { Elysia } from "elysia";
import { decodeEmbeddings, embeddingBodySchema, embeddingListSchema, encodeEmbeddings } from "../../api/openai/embeddings.ts";
import { embed } from "../../retrieval/embed.ts";
import type { Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";
import { encoderFor } from "../origin.ts";
import { reply } from "../reply.ts";

export function embeddingRoutes(context: Context) {
  return new Elysia().post(
    "/v1/embeddings",
    async ({ request, set }) => {
      const wire = decodeEmbeddings(await readJson(request, context.limits));
      const run = async (signal: AbortSignal) => {
        const service = encoderFor(await context.encoders.embed.find(wire.model), request, wire.priority);
        const embeddings = await embed(service, wire.request, signal);
        return { body: encodeEmbeddings(embeddings, service.id, wire.isBase64), truncated: embeddings.truncated };
      };
      return reply({ ...wire, ids: [String(set.headers["x-request-id"])], run }, request, context);
    },
    {
      parse: "none",
      detail: operation({
        tag: "OpenAI",
        summary: "Embeddings",
        description:
          "One vector per text. Longer texts than the model takes are cut, and counted in the response header x-pippin-truncated, or refused, as the server's --embedding-overflow-policy says.",
        body: embeddingBodySchema,
        responses: { 200: embeddingListSchema },
        errors: [400, 404, 413, 429, 503, 504],
      }),
    },
  );
}
