// Ollama's lists of models, and its refusals to change them.
import { Elysia } from "elysia";
import { decodeShow } from "../../api/ollama/decode.ts";
import { showBodySchema } from "../../api/ollama/fields.ts";
import { readName, toRunning, toShow, toTag, type ModelFacts } from "../../api/ollama/models.ts";
import { errorSchema, runningSchema, showSchema, tagsSchema, versionSchema } from "../../api/ollama/responses.ts";
import { ApiError } from "../../chat/error.ts";
import type { Service } from "../../chat/service.ts";
import type { EncoderService } from "../../retrieval/service.ts";
import { findModel, namesOf, type Context } from "../context.ts";
import { readUntypedJson } from "../limits.ts";
import { operation } from "../operation.ts";

const apiVersion = "0.12.6"; // of the Ollama whose shapes these routes have

export function ollamaModelRoutes(context: Context) {
  const encoders = () => context.encoders.embed.loaded;
  const all = () => [...context.models().map(({ service, created }) => factsOf(service, created)), ...encoders().map(encoderFacts)];
  const show = async (request: Request) => {
    const wanted = decodeShow(await readUntypedJson(request, context.limits));
    const name = readName(wanted, [...namesOf(context), ...encoders().map(({ id }) => id)]);
    const encoder = encoders().find(({ id }) => id === name);
    if (encoder) return Response.json(toShow(encoderFacts(encoder)));
    const { service, created } = findModel(context, name);
    return Response.json(toShow(factsOf(service, created)));
  };
  const refusal = (what: string) => () => {
    throw new ApiError(
      400,
      `Models are not ${what} through the API: the server serves the folder, or the name in the Hugging Face cache, that it was started with.`,
      {
        code: "unsupported_operation",
      },
    );
  };
  const refused = { parse: "none" as const, detail: { hide: true } };
  const detail = (summary: string, schema: Parameters<typeof operation>[0]["responses"][number]) => ({
    detail: operation({ tag: "Ollama", summary, responses: { 200: schema } }),
  });
  return new Elysia()
    .get("/api/version", () => Response.json({ version: apiVersion, pippin: context.version }), detail("The API's version", versionSchema))
    .get("/api/tags", () => Response.json({ models: all().map(toTag) }), detail("Ollama's list of models", tagsSchema))
    .get("/api/ps", () => Response.json({ models: all().map(toRunning) }), detail("Ollama's list of loaded models", runningSchema))
    .post("/api/show", ({ request }) => show(request), {
      parse: "none",
      detail: operation({
        tag: "Ollama",
        summary: "Ollama's facts of a model",
        body: showBodySchema,
        responses: { 200: showSchema },
        errors: [400, 404, 413],
        errorSchema,
      }),
    })
    .post("/api/pull", refusal("pulled"), refused)
    .post("/api/push", refusal("pushed"), refused)
    .post("/api/create", refusal("created"), refused)
    .post("/api/copy", refusal("copied"), refused)
    .delete("/api/delete", refusal("deleted"), refused)
    .post("/api/blobs/:digest", refusal("created"), refused);
}

function factsOf(service: Service, created: number): ModelFacts {
  const { id, engine, contextLength, template, reasoningFormat, toolFormat } = service;
  const thinks = reasoningFormat !== undefined && (template?.mentions(/enable_thinking|reasoning_effort/) ?? false);
  return {
    id,
    created,
    info: engine.info,
    contextLength,
    template: template?.source(false) ?? "",
    capabilities: ["completion", ...(toolFormat && template ? (["tools"] as const) : []), ...(thinks ? (["thinking"] as const) : [])],
  };
}

function encoderFacts({ id, created, engine, maxLength }: EncoderService): ModelFacts {
  return { id, created, info: engine.info, contextLength: maxLength, template: "", capabilities: ["embedding"] };
}
