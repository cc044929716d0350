// GET /v1/models and /v1/models/{id}: what is served here, with the context length that clients ask for under two names.
import { Elysia } from "elysia";
import { modelListSchema, modelSchema } from "../../api/openai/responses.ts";
import { findModel, type Context, type Served } from "../context.ts";
import { operation } from "../operation.ts";

export function modelRoutes(context: Context) {
  return new Elysia()
    .get("/v1/models", () => Response.json({ object: "list", data: context.models().map(toModel) }), {
      detail: operation({ tag: "Models", summary: "List models", responses: { 200: modelListSchema } }),
    })
    .get("/v1/models/:id", ({ params }) => Response.json(toModel(findModel(context, params.id ?? ""))), {
      detail: operation({ tag: "Models", summary: "Retrieve a model", responses: { 200: modelSchema }, errors: [404] }),
    })
    .get("/v1/models/*", ({ params }) => Response.json(toModel(findModel(context, params["*"] ?? ""))), { detail: { hide: true } }); // ids with a slash
}

function toModel({ service, created }: Served) {
  return {
    id: service.id,
    object: "model",
    created,
    owned_by: "pippin",
    max_model_len: service.contextLength,
    context_length: service.contextLength,
  };
}
