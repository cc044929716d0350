// POST /v1/requests/{id}/cancel and DELETE /v1/requests/{id}: end an answer that another connection waits for.
import { Elysia } from "elysia";
import { cancelledSchema } from "../../api/openai/responses.ts";
import { ApiError } from "../../chat/error.ts";
import type { Context } from "../context.ts";
import { operation } from "../operation.ts";

export function requestRoutes({ running }: Context) {
  const cancel = (id: string) => {
    const lifetime = running.get(id);
    if (!lifetime) throw new ApiError(404, `No request '${id.slice(0, 100)}' is running.`, { code: "request_not_found", param: "id" });
    lifetime.cancel();
    return Response.json({ object: "request.cancel", id, cancelled: true });
  };
  const detail = operation({
    tag: "Server",
    summary: "Cancel a request",
    description:
      "Ends a running answer within one step. `id` is the answer's (chatcmpl-…, cmpl-…, msg_…, resp_…) or the one in its header x-request-id. Its own client gets an error with code `cancelled`.",
    responses: { 200: cancelledSchema },
    errors: [404],
  });
  return new Elysia()
    .post("/v1/requests/:id/cancel", ({ params }) => cancel(params.id), { parse: "none", detail })
    .delete("/v1/requests/:id", ({ params }) => cancel(params.id), { parse: "none", detail });
}
