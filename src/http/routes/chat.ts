// POST /v1/chat/completions.
import { Elysia } from "elysia";
import { checkTokenIds, decodeChat } from "../../api/openai/decode.ts";
import { chatAnswer, chatFrames } from "../../api/openai/encode-chat.ts";
import { chatBodySchema } from "../../api/openai/fields.ts";
import { chatCompletionSchema } from "../../api/openai/responses.ts";
import { runChat } from "../../chat/run.ts";
import { openHead, respond } from "../answer.ts";
import { findModelFor, type Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";

export function chatRoutes(context: Context) {
  return new Elysia().post(
    "/v1/chat/completions",
    async ({ request, set }) => {
      const wire = decodeChat(await readJson(request, context.limits));
      const service = findModelFor(context, wire.model, request);
      checkTokenIds(wire.request.generation, service.vocabSize);
      const head = openHead("chatcmpl-", service, wire, context.version);
      const { choices, generation } = wire.request;
      return respond(
        {
          ...wire,
          id: head.id,
          run: signal => runChat(service, wire.request, signal),
          answer: () => chatAnswer(head, generation.logprobs !== undefined, wire.custom),
          frames: () => chatFrames(head, { choices, choicesPerPrompt: choices, includeUsage: wire.includeUsage }, wire.custom),
        },
        { request, requestId: String(set.headers["x-request-id"]), context },
      );
    },
    {
      parse: "none",
      detail: operation({
        tag: "OpenAI",
        summary: "Chat completion",
        description: "OpenAI's chat completions. With `stream` the answer is a stream of chat.completion.chunk events that ends with [DONE].",
        body: chatBodySchema,
        responses: { 200: chatCompletionSchema },
        errors: [400, 404, 413, 429, 503, 504],
      }),
    },
  );
}
