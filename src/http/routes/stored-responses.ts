// Responses that are kept: read, listed, cancelled, deleted.
import { Elysia } from "elysia";
import { listItems } from "../../api/responses/list.ts";
import { deletedSchema, itemListSchema, responseSchema } from "../../api/responses/responses.ts";
import { ApiError } from "../../chat/error.ts";
import type { Context } from "../context.ts";
import { operation } from "../operation.ts";
import type { StoredResponse } from "../response-store.ts";
import { nextTurn } from "../../util/next-turn.ts";

export function storedResponseRoutes({ responses: store }: Context) {
  const find = (id: string): StoredResponse => {
    const found = store.get(id);
    if (found) return found;
    throw new ApiError(404, `No response '${id.slice(0, 100)}' is stored here, or no longer.`, { code: "response_not_found", param: "response_id" });
  };
  const read = (id: string, stream: string | undefined) => {
    if (stream === "true")
      throw new ApiError(400, "'stream' is not supported: stored responses are read whole.", { code: "unsupported_parameter", param: "stream" });
    return Response.json(find(id).response());
  };
  const cancel = async (id: string) => {
    const { cancel: end, response } = find(id);
    if (!end || response().status !== "in_progress")
      throw new ApiError(400, "Only a background response that still runs can be cancelled.", { code: "invalid_value", param: "response_id" });
    end();
    await nextTurn(); // for the end to be written down
    return Response.json(find(id).response());
  };
  const drop = (id: string) => {
    find(id).cancel?.();
    store.delete(id);
    return Response.json({ id, object: "response", deleted: true });
  };
  const detail = (summary: string, schema: Parameters<typeof operation>[0]["responses"][number], errors = [404]) =>
    operation({ tag: "OpenAI", summary, responses: { 200: schema }, errors });
  return new Elysia()
    .get("/v1/responses/:id", ({ params, query }) => read(params.id, query["stream"]), {
      detail: detail("Read a stored response", responseSchema, [400, 404]),
    })
    .delete("/v1/responses/:id", ({ params }) => drop(params.id), { parse: "none", detail: detail("Delete a stored response", deletedSchema) })
    .post("/v1/responses/:id/cancel", ({ params }) => cancel(params.id), {
      parse: "none",
      detail: detail("Cancel a background response", responseSchema, [400, 404]),
    })
    .get("/v1/responses/:id/input_items", ({ params, query }) => Response.json(listItems(find(params.id).input, query)), {
      detail: detail("List the items that a stored response has answered", itemListSchema, [400, 404]),
    });
}
