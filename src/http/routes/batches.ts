// /v1/batches: many requests at once, answered behind all others.
import { Elysia } from "elysia";
import { batchBodySchema, batchListSchema, batchSchema, decodeBatch, readPage, toBatchObject, toList } from "../../api/openai/batches.ts";
import { now } from "../../batches/store.ts";
import type { Batch } from "../../batches/types.ts";
import { ApiError } from "../../chat/error.ts";
import { randomId } from "../../util/id.ts";
import { toApiError } from "../batches.ts";
import type { Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";
import { findFile } from "./files.ts";

export function batchRoutes({ batches, limits }: Context) {
  const create = async (request: Request) => {
    const { body } = decodeBatch(await readJson(request, limits));
    const { store, runner } = batches.open();
    const file = findFile(store, body.input_file_id, "input_file_id");
    if (file.purpose !== "batch")
      throw new ApiError(400, "'input_file_id' must be a file with the purpose batch.", { code: "invalid_value", param: "input_file_id" });
    const batch = newBatch(body);
    try {
      store.putBatch(batch);
    } catch (error) {
      throw toApiError(error);
    }
    runner.wake();
    return Response.json(toBatchObject(batch));
  };
  const find = (id: string): Batch => {
    const batch = batches.open().store.batch(id);
    if (batch) return batch;
    throw new ApiError(404, `No batch '${id.slice(0, 100)}' is kept here.`, { code: "batch_not_found", param: "batch_id" });
  };
  const list = (query: Record<string, string | undefined>) => {
    const page = readPage(query, 100, 20);
    const found = batches.open().store.batches({ ...page, limit: page.limit + 1 });
    return Response.json(toList(found.map(toBatchObject), page.limit));
  };
  const cancel = (id: string) => {
    const batch = find(id);
    if (batch.status === "cancelling" || batch.status === "cancelled") return Response.json(toBatchObject(batch));
    if (batch.status !== "validating" && batch.status !== "in_progress")
      throw new ApiError(409, `The batch is ${batch.status} and cannot be cancelled.`, { code: "batch_over", param: "batch_id" });
    return Response.json(toBatchObject(batches.open().runner.cancel(batch)));
  };
  return new Elysia()
    .post("/v1/batches", ({ request }) => create(request), {
      parse: "none",
      detail: operation({
        tag: "Batches",
        summary: "Create a batch",
        description: "Its requests run behind all others, and go on after a restart. Files of 50,000 requests at most.",
        body: batchBodySchema,
        responses: { 200: batchSchema },
        errors: [400, 404, 409, 413],
      }),
    })
    .get("/v1/batches", ({ query }) => list(query), {
      detail: operation({ tag: "Batches", summary: "List batches", responses: { 200: batchListSchema }, errors: [400, 409] }),
    })
    .get("/v1/batches/:id", ({ params }) => Response.json(toBatchObject(find(params.id))), {
      detail: operation({ tag: "Batches", summary: "Retrieve a batch", responses: { 200: batchSchema }, errors: [404, 409] }),
    })
    .post("/v1/batches/:id/cancel", ({ params }) => cancel(params.id), {
      parse: "none",
      detail: operation({ tag: "Batches", summary: "Cancel a batch", responses: { 200: batchSchema }, errors: [404, 409] }),
    });
}

function newBatch({
  input_file_id: inputFile,
  endpoint,
  completion_window: window = "24h",
  metadata,
}: ReturnType<typeof decodeBatch>["body"]): Batch {
  return {
    id: randomId("batch_"),
    endpoint: endpoint!,
    inputFile: inputFile!,
    window,
    metadata,
    created: now(),
    status: "validating",
    times: {},
    errors: [],
    counts: { total: 0, completed: 0, failed: 0 },
  };
}
