// POST /v1/responses: OpenAI's newer chat, which can keep its conversations; and what is done with those that are kept.
import { Elysia } from "elysia";
import { decodeInput, decodeResponse, type ResponsesWire } from "../../api/responses/decode.ts";
import { ResponseFold, responseAnswer, responseFrames } from "../../api/responses/encode.ts";
import { inputBodySchema, responsesBodySchema } from "../../api/responses/fields.ts";
import { inputTokensSchema, responseSchema } from "../../api/responses/responses.ts";
import { renderChat } from "../../chat/render.ts";
import { answerChat, prepareChat, type Prepared } from "../../chat/run.ts";
import { toSamplings } from "../../chat/sampling.ts";
import type { Service } from "../../chat/service.ts";
import { randomId } from "../../util/id.ts";
import { respond } from "../answer.ts";
import { findModel, findModelFor, type Context } from "../context.ts";
import { toFailure } from "../errors.ts";
import { openLifetime } from "../lifetime.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";
import type { ResponseStore } from "../response-store.ts";

interface Job {
  readonly wire: ResponsesWire;
  readonly service: Service;
  readonly rendered: Prepared;
  readonly fold: ResponseFold;
  readonly id: string;
  readonly requestId: string;
}

export function responseRoutes(context: Context) {
  const { responses: store, limits } = context;
  const create = async (request: Request, requestId: string) => {
    const wire = decodeResponse(await readJson(request, limits), store);
    const service = findModelFor(context, wire.body.model, request);
    const rendered = await prepareChat(service, wire.request);
    const id = randomId("resp_");
    const { temperature, topP } = toSamplings(service, wire.request.generation, 1)[0]!;
    const head = { id, created: Math.floor(Date.now() / 1000), model: wire.body.model ?? service.id, temperature, topP };
    const job = { wire, service, rendered, fold: new ResponseFold(head, wire), id, requestId };
    return wire.body.background ? runInBackground(job, context) : answer(job, request, context);
  };
  const count = async (request: Request) => {
    const { request: asked, model } = decodeInput(await readJson(request, limits), store);
    const { ids } = await renderChat(findModel(context, model).service, asked);
    return Response.json({ object: "response.input_tokens", input_tokens: ids.length });
  };
  return new Elysia()
    .post("/v1/responses", ({ request, set }) => create(request, String(set.headers["x-request-id"])), {
      parse: "none",
      detail: operation({
        tag: "OpenAI",
        summary: "Response",
        description: "OpenAI's responses. With `stream` the answer is a stream of events from response.created to response.completed.",
        body: responsesBodySchema,
        responses: { 200: responseSchema },
        errors: [400, 404, 413, 429, 503, 504],
      }),
    })
    .post("/v1/responses/input_tokens", ({ request }) => count(request), {
      parse: "none",
      detail: operation({
        tag: "OpenAI",
        summary: "Count a response's input tokens",
        body: inputBodySchema,
        responses: { 200: inputTokensSchema },
        errors: [400, 404, 413],
      }),
    });
}

async function answer(job: Job, request: Request, context: Context): Promise<Response> {
  const { wire, service, rendered, fold, id, requestId } = job;
  const keep = () => {
    if (wire.body.store ?? true) keepResponse(job, context.responses);
  };
  const whole = responseAnswer(fold);
  return respond(
    {
      id,
      stream: wire.body.stream ?? false,
      timeoutSeconds: wire.body.timeout,
      ignored: wire.ignored,
      run: signal => answerChat(service, wire.request, rendered, signal),
      answer: () => ({
        add: whole.add,
        body() {
          keep();
          return whole.body();
        },
      }),
      frames: () => responseFrames(fold, keep),
    },
    { request, requestId, context },
  );
}

/** Goes on after the client has left; ends by itself, by its timeout or when it is cancelled. */
function runInBackground(job: Job, context: Context): Response {
  const { wire, service, rendered, fold, id, requestId } = job;
  const lifetime = openLifetime(new AbortController().signal, wire.body.timeout);
  context.running.enter([id, requestId], lifetime);
  let ended = false;
  const take = async () => {
    for await (const event of answerChat(service, wire.request, rendered, lifetime.signal)) fold.take(event);
  };
  void Promise.race([take(), lifetime.over])
    .catch((error: unknown) => fold.fail(toFailure(error, requestId, context.log)))
    .finally(() => {
      ended = true;
      lifetime.close();
      if (context.responses.get(id)) keepResponse(job, context.responses); // it may have been deleted
    });
  const items = () => (ended ? fold.items() : undefined);
  context.responses.put(id, { response: () => fold.body(), input: wire.items, items, cancel: lifetime.cancel }, 0);
  return Response.json(fold.body());
}

function keepResponse({ id, fold, wire }: Job, store: ResponseStore): void {
  const [response, items] = [fold.body(), fold.items()];
  const earlier = wire.body.previous_response_id === undefined ? undefined : store.history(wire.body.previous_response_id);
  const own = items.slice(earlier?.length ?? 0); // the texts of earlier items are shared with the response that has them
  store.put(id, { response: () => response, input: wire.items, items: () => items }, JSON.stringify([response, own]).length);
}
