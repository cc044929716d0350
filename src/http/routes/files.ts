// /v1/files: what batches read, and what they write.
import { Elysia } from "elysia";
import {
  contentSchema,
  deletedFileSchema,
  fileListSchema,
  fileSchema,
  readPage,
  toFileObject,
  toList,
  uploadSchema,
} from "../../api/openai/batches.ts";
import type { BatchStore } from "../../batches/store.ts";
import type { StoredFile } from "../../batches/types.ts";
import { ApiError } from "../../chat/error.ts";
import { toApiError } from "../batches.ts";
import { headerList } from "../answer.ts";
import type { Context } from "../context.ts";
import { fileLimits, readBody } from "../limits.ts";
import { operation } from "../operation.ts";

const maxFiles = 1000;

export function fileRoutes({ batches }: Context) {
  const upload = async (request: Request) => {
    const { file, ignored } = await readUpload(request);
    const content = await file.bytes();
    if (content.length === 0) throw wrong("file", "is empty");
    const { store } = batches.open();
    if (store.fileCount() >= maxFiles) throw new ApiError(400, `There are ${maxFiles} files already: delete some.`, { code: "too_many_files" });
    try {
      const headers: Record<string, string> = ignored.length > 0 ? { "x-pippin-ignored": headerList(ignored) } : {};
      return Response.json(toFileObject(store.putFile(file.name.slice(0, 255), content)), { headers });
    } catch (error) {
      throw toApiError(error);
    }
  };
  const list = (query: Record<string, string | undefined>) => {
    const page = readPage(query, 10_000, 10_000);
    const files = batches.open().store.files({ ...page, limit: page.limit + 1 }, query["purpose"]);
    return Response.json(toList(files.map(toFileObject), page.limit));
  };
  const content = (id: string) => {
    const { store } = batches.open();
    const { bytes } = findFile(store, id);
    const headers = { "content-type": "application/octet-stream", "content-length": String(bytes) };
    return new Response(stream(store.pieces(id)), { headers });
  };
  const drop = (id: string) => {
    const { store } = batches.open();
    findFile(store, id);
    store.deleteFile(id);
    return Response.json({ id, object: "file", deleted: true });
  };
  const detail = (
    summary: string,
    schema: typeof fileSchema | typeof deletedFileSchema | typeof contentSchema | typeof fileListSchema,
    errors = [404],
  ) => ({
    detail: operation({ tag: "Batches", summary, responses: { 200: schema }, errors: [...errors, 409] }),
  });
  return new Elysia()
    .post("/v1/files", ({ request }) => upload(request), {
      parse: "none",
      detail: operation({
        tag: "Batches",
        summary: "Upload a file",
        description: "multipart/form-data with `file`, JSON Lines of 100 MB at most, and `purpose`, which is `batch`.",
        body: uploadSchema,
        bodyType: "multipart/form-data",
        responses: { 200: fileSchema },
        errors: [400, 409, 413],
      }),
    })
    .get("/v1/files", ({ query }) => list(query), detail("List files", fileListSchema, [400]))
    .get(
      "/v1/files/:id",
      ({ params }) => Response.json(toFileObject(findFile(batches.open().store, params.id))),
      detail("Retrieve a file", fileSchema),
    )
    .get("/v1/files/:id/content", ({ params }) => content(params.id), detail("Read a file", contentSchema))
    .delete("/v1/files/:id", ({ params }) => drop(params.id), { parse: "none", ...detail("Delete a file", deletedFileSchema) });
}

export function findFile(store: BatchStore, id: string, param = "file_id"): StoredFile {
  const file = store.file(id);
  if (file) return file;
  throw new ApiError(404, `No file '${id.slice(0, 100)}' is kept here.`, { code: "file_not_found", param });
}

async function readUpload(request: Request) {
  const type = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data *;/i.test(type))
    throw new ApiError(400, 'A file must be sent with "content-type: multipart/form-data".', { code: "invalid_content_type" });
  const form = await new Response((await readBody(request, fileLimits)) as Uint8Array<ArrayBuffer>, { headers: { "content-type": type } })
    .formData()
    .catch(() => {
      throw new ApiError(400, "The body is no multipart form.", { code: "invalid_body" });
    });
  const [file, purpose] = [form.get("file"), form.get("purpose")];
  if (!(file instanceof Blob)) throw wrong("file", "must be a file");
  if (purpose !== "batch") throw wrong("purpose", 'must be "batch": files are for batches here');
  return { file: file as File, ignored: [...new Set(form.keys())].filter(name => name !== "file" && name !== "purpose") };
}

function wrong(param: string, message: string): ApiError {
  return new ApiError(400, `'${param}' ${message}.`, { code: "invalid_value", param });
}

function stream(pieces: Generator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
