// GET /v1/models and /v1/models/{id}: what is served here, with the context length that clients ask for under two names.
import { Elysia } from "elysia";
import { modelListSchema, modelSchema } from "../../api/openai/responses.ts";
import type { EncoderService } from "../../retrieval/service.ts";
import { findModel, type Context } from "../context.ts";
import { operation } from "../operation.ts";

export function modelRoutes(context: Context) {
  const encoders = () => [...context.encoders.embed.loaded, ...context.encoders.rank.loaded];
  const all = () => [
    ...context.models().map(({ service, created }) => toModel(service.id, created, service.contextLength)),
    ...encoders().map(toEntry),
  ];
  const one = (name: string) => {
    const encoder = encoders().find(({ id }) => id === name);
    if (encoder) return toEntry(encoder);
    const { service, created } = findModel(context, name);
    return toModel(service.id, created, service.contextLength);
  };
  return new Elysia()
    .get("/v1/models", () => Response.json(toList(all())), {
      detail: operation({ tag: "Models", summary: "List models", responses: { 200: modelListSchema } }),
    })
    .get("/v1/models/:id", ({ params }) => Response.json(one(params.id ?? "")), {
      detail: operation({ tag: "Models", summary: "Retrieve a model", responses: { 200: modelSchema }, errors: [404] }),
    })
    .get("/v1/models/*", ({ params }) => Response.json(one(params["*"] ?? "")), { detail: { hide: true } }); // ids with a slash
}

function toEntry({ id, created, maxLength }: EncoderService) {
  return toModel(id, created, maxLength);
}

/** OpenAI's fields and Anthropic's beside each other: both ask the same route. */
function toModel(id: string, created: number, length: number) {
  return {
    id,
    object: "model",
    created,
    owned_by: "pippin",
    max_model_len: length,
    context_length: length,
    type: "model",
    display_name: id,
    created_at: new Date(created * 1000).toISOString(),
    max_input_tokens: length,
  };
}

function toList(data: readonly ReturnType<typeof toModel>[]) {
  return { object: "list", data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
