// POST /v1/completions.
import { Elysia } from "elysia";
import { checkTokenIds, decodeCompletion } from "../../api/openai/decode.ts";
import { completionAnswer, completionFrames } from "../../api/openai/encode-completion.ts";
import { completionBodySchema } from "../../api/openai/fields.ts";
import { completionSchema } from "../../api/openai/responses.ts";
import { runCompletion } from "../../chat/run.ts";
import { openHead, respond } from "../answer.ts";
import { findModelFor, type Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";

export function completionRoutes(context: Context) {
  return new Elysia().post(
    "/v1/completions",
    async ({ request, set }) => {
      const wire = decodeCompletion(await readJson(request, context.limits));
      const service = findModelFor(context, wire.model, request);
      checkTokenIds(wire.request.generation, service.vocabSize);
      const head = openHead("cmpl-", service, wire, context.version);
      const { choices: choicesPerPrompt, generation, prompts } = wire.request;
      return respond(
        {
          ...wire,
          id: head.id,
          run: signal => runCompletion(service, wire.request, signal),
          answer: () => completionAnswer(head, generation.logprobs !== undefined, choicesPerPrompt),
          frames: () => completionFrames(head, { choices: prompts.length * choicesPerPrompt, choicesPerPrompt, includeUsage: wire.includeUsage }),
        },
        { request, requestId: String(set.headers["x-request-id"]), context },
      );
    },
    {
      parse: "none",
      detail: operation({
        tag: "OpenAI",
        summary: "Completion",
        description: "OpenAI's plain completions: no chat template. Choices of several prompts stand one prompt after the other.",
        body: completionBodySchema,
        responses: { 200: completionSchema },
        errors: [400, 404, 413, 429, 503, 504],
      }),
    },
  );
}
