// POST /api/chat and POST /api/generate: Ollama's, so that its clients connect.
import { Elysia } from "elysia";
import { decodeChat, decodeGenerate, type Asked, type OllamaWire } from "../../api/ollama/decode.ts";
import { loadedBody, ollamaAnswer, ollamaFrames, type Head } from "../../api/ollama/encode.ts";
import { chatBodySchema, generateBodySchema } from "../../api/ollama/fields.ts";
import { readName } from "../../api/ollama/models.ts";
import { chatSchema, errorSchema, generateSchema } from "../../api/ollama/responses.ts";
import { runChat, runCompletion } from "../../chat/run.ts";
import type { Service } from "../../chat/service.ts";
import { respond } from "../answer.ts";
import { findModelFor, namesOf, type Context } from "../context.ts";
import { readUntypedJson } from "../limits.ts";
import { operation } from "../operation.ts";

type Shape = Head["shape"];

export function ollamaRoutes(context: Context) {
  const answer = async (shape: Shape, decode: (value: unknown) => OllamaWire, request: Request, requestId: string) => {
    const started = performance.now();
    const { asked, ...wire } = decode(await readUntypedJson(request, context.limits));
    const service = findModelFor(context, readName(wire.model, namesOf(context)), request);
    const head = { model: wire.model ?? service.id, shape, started };
    if (asked.type === "load") return Response.json(loadedBody(head));
    return respond(
      {
        ...wire,
        timeoutSeconds: undefined,
        run: signal => run(service, asked, signal),
        answer: () => ollamaAnswer(head),
        frames: () => ollamaFrames(head),
      },
      { request, requestId, context },
    );
  };
  const idOf = (set: { readonly headers: object }) => String((set.headers as Record<string, unknown>)["x-request-id"]);
  const common = { tag: "Ollama", errors: [400, 404, 413, 429, 503, 504], errorSchema };
  return new Elysia()
    .post("/api/chat", ({ request, set }) => answer("chat", decodeChat, request, idOf(set)), {
      parse: "none",
      detail: operation({
        ...common,
        summary: "Ollama's chat",
        description: "Streams one JSON object per line unless `stream` is false. Tools take and give arguments as objects.",
        body: chatBodySchema,
        responses: { 200: chatSchema },
      }),
    })
    .post("/api/generate", ({ request, set }) => answer("generate", decodeGenerate, request, idOf(set)), {
      parse: "none",
      detail: operation({
        ...common,
        summary: "Ollama's completion",
        description: "The prompt as a user's message, or as it is with `raw`. Streams one JSON object per line unless `stream` is false.",
        body: generateBodySchema,
        responses: { 200: generateSchema },
      }),
    });
}

function run(service: Service, asked: Exclude<Asked, { type: "load" }>, signal: AbortSignal) {
  return asked.type === "chat" ? runChat(service, asked.request, signal) : runCompletion(service, asked.request, signal);
}
