// POST /v1/messages and POST /v1/messages/count_tokens: Anthropic's chat.
import { Elysia } from "elysia";
import { decodeCountBody, decodeMessagesBody } from "../../api/anthropic/decode.ts";
import { messageAnswer } from "../../api/anthropic/encode.ts";
import { countBodySchema, messagesBodySchema } from "../../api/anthropic/fields.ts";
import { messageFrames } from "../../api/anthropic/frames.ts";
import { countSchema, errorSchema, messageResponseSchema } from "../../api/anthropic/responses.ts";
import { renderChat } from "../../chat/render.ts";
import { answerChat, prepareChat } from "../../chat/run.ts";
import { randomId } from "../../util/id.ts";
import { respond } from "../answer.ts";
import { findModel, findModelFor, type Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";

export function messageRoutes(context: Context) {
  const answer = async (request: Request, requestId: string) => {
    const wire = decodeMessagesBody(await readJson(request, context.limits));
    const service = findModelFor(context, wire.model, request);
    const rendered = await prepareChat(service, wire.request); // before the answer begins: its first event tells the prompt's length
    const { maxTokens, showThinking } = wire;
    const head = { id: randomId("msg_"), model: wire.model ?? service.id, maxTokens, showThinking };
    return respond(
      {
        ...wire,
        id: head.id,
        timeoutSeconds: undefined,
        run: signal => answerChat(service, wire.request, rendered, signal),
        answer: () => messageAnswer(head),
        frames: () => messageFrames(head, { promptTokens: rendered.ids.length, requestId }),
      },
      { request, requestId, context },
    );
  };
  const count = async (request: Request) => {
    const wire = decodeCountBody(await readJson(request, context.limits));
    const { service } = findModel(context, wire.model);
    return Response.json({ input_tokens: (await renderChat(service, wire.request)).ids.length });
  };
  return new Elysia()
    .onBeforeHandle(({ set }) => {
      set.headers["request-id"] = String(set.headers["x-request-id"]); // where Anthropic's clients look for it
    })
    .post("/v1/messages", ({ request, set }) => answer(request, String(set.headers["x-request-id"])), {
      parse: "none",
      detail: operation({
        tag: "Anthropic",
        summary: "Message",
        description: "Anthropic's messages. With `stream` the answer is a stream of events from message_start to message_stop.",
        body: messagesBodySchema,
        responses: { 200: messageResponseSchema },
        errors: [400, 404, 413, 503, 504, 529],
        errorSchema,
      }),
    })
    .post("/v1/messages/count_tokens", ({ request }) => count(request), {
      parse: "none",
      detail: operation({
        tag: "Anthropic",
        summary: "Count a message's tokens",
        description: "The length of the prompt that the same request to /v1/messages would have, template and tools included.",
        body: countBodySchema,
        responses: { 200: countSchema },
        errors: [400, 404, 413],
        errorSchema,
      }),
    });
}
