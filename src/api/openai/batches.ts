// The wire form of /v1/files and /v1/batches.
import Type from "typebox";
import { ApiError } from "../../chat/error.ts";
import { endpoints, type Batch, type StoredFile } from "../../batches/types.ts";
import { accepted, bodySchema, checkBody, refused, works, type Body } from "../body.ts";

const metadata = Type.Record(Type.String({ pattern: "^[^]{1,64}$" }), Type.String({ maxLength: 512 }), {
  maxProperties: 16,
  "x-form": "a name of 1 to 64 characters",
  description: "The client's own notes.",
});

const batchFields = {
  input_file_id: works(
    Type.String({ minLength: 1, maxLength: 100, description: "A file of JSON Lines with `custom_id`, `method`, `url` and `body`." }),
  ),
  endpoint: works(Type.Enum([...endpoints], { description: "The url of all its requests." })),
  completion_window: accepted(Type.Enum(["24h"], { description: "No effect: a batch goes on until it is done." })),
  metadata: works(metadata),
  output_expires_after: refused("files stay until they are deleted"),
};

export type BatchBody = Body<typeof batchFields>;

const required = ["input_file_id", "endpoint", "completion_window"];
export const batchBodySchema = bodySchema(batchFields, required);

export function decodeBatch(value: unknown): { readonly body: Required<Pick<BatchBody, "input_file_id" | "endpoint">> & BatchBody } {
  return { body: checkBody(value, batchFields, required, new Set()) };
}

export function toFileObject({ id, name, purpose, created, bytes }: StoredFile) {
  return { id, object: "file", bytes, created_at: created, filename: name, purpose, status: "processed", expires_at: null };
}

export function toBatchObject({ id, endpoint, inputFile, window, metadata, created, status, times, errors, counts, ...files }: Batch) {
  return {
    id,
    object: "batch",
    endpoint,
    errors: errors.length > 0 ? { object: "list", data: errors } : null,
    input_file_id: inputFile,
    completion_window: window,
    status,
    output_file_id: files.outputFile ?? null,
    error_file_id: files.errorFile ?? null,
    created_at: created,
    in_progress_at: times.in_progress ?? null,
    expires_at: null,
    finalizing_at: times.completed ?? null,
    completed_at: times.completed ?? null,
    failed_at: times.failed ?? null,
    expired_at: null,
    cancelling_at: times.cancelling ?? null,
    cancelled_at: times.cancelled ?? null,
    request_counts: counts,
    metadata: metadata ?? null,
  };
}

export function toList<T extends { readonly id: string }>(items: readonly T[], limit: number) {
  const data = items.slice(0, limit);
  return { object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: items.length > limit };
}

interface Query {
  readonly [name: string]: string | undefined;
}

/** Which part of a list is wanted. */
export function readPage(query: Query, most: number, usual: number) {
  const { limit: text = String(usual), order = "desc", after } = query;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > most) throw wrong("limit", `must be a whole number from 1 to ${most}`);
  if (order !== "asc" && order !== "desc") throw wrong("order", 'must be "asc" or "desc"');
  return { limit, order, ...(after && { after }) } as const;
}

function wrong(param: string, message: string): ApiError {
  return new ApiError(400, `'${param}' ${message}.`, { code: "invalid_value", param });
}

const time = Type.Union([Type.Integer({ description: "Seconds since 1970." }), Type.Null()]);
const name = Type.Union([Type.String(), Type.Null()]);
const count = Type.Integer({ minimum: 0 });

export const fileSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("file"),
  bytes: count,
  created_at: Type.Integer(),
  filename: Type.String(),
  purpose: Type.Enum(["batch", "batch_output"]),
  status: Type.Literal("processed"),
});
export const uploadSchema = Type.Object({
  file: Type.String({ format: "binary", description: "JSON Lines, 100 MB at most." }),
  purpose: Type.Literal("batch"),
});
export const deletedFileSchema = Type.Object({ id: Type.String(), object: Type.Literal("file"), deleted: Type.Literal(true) });
export const batchSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("batch"),
  endpoint: Type.String(),
  errors: Type.Union([
    Type.Object({ object: Type.Literal("list"), data: Type.Array(Type.Object({ code: Type.String(), message: Type.String(), line: time })) }),
    Type.Null(),
  ]),
  input_file_id: Type.String(),
  completion_window: Type.String(),
  status: Type.Enum(["validating", "failed", "in_progress", "completed", "cancelling", "cancelled"]),
  output_file_id: name,
  error_file_id: name,
  created_at: Type.Integer(),
  in_progress_at: time,
  completed_at: time,
  failed_at: time,
  cancelling_at: time,
  cancelled_at: time,
  request_counts: Type.Object({ total: count, completed: count, failed: count }),
});
const listOf = (schema: typeof fileSchema | typeof batchSchema) =>
  Type.Object({ object: Type.Literal("list"), data: Type.Array(schema), first_id: name, last_id: name, has_more: Type.Boolean() });
export const fileListSchema = listOf(fileSchema);
export const batchListSchema = listOf(batchSchema);
export const contentSchema = Type.Object({}, { description: "Not one object but the file as it is: JSON Lines." });
