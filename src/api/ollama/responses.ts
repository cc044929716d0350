// What Ollama's routes answer, for the OpenAPI document.
import Type from "typebox";

const count = Type.Integer({ minimum: 0 });
const duration = Type.Integer({ minimum: 0, description: "Nanoseconds." });
const thinking = Type.Optional(Type.String({ description: "What the model thought." }));
const calls = Type.Optional(
  Type.Array(Type.Object({ id: Type.String(), function: Type.Object({ index: count, name: Type.String(), arguments: Type.Object({}) }) })),
);
const end = {
  done: Type.Boolean(),
  done_reason: Type.Optional(Type.Enum(["stop", "length", "load"])),
  total_duration: Type.Optional(duration),
  load_duration: Type.Optional(duration),
  prompt_eval_count: Type.Optional(count),
  prompt_eval_duration: Type.Optional(duration),
  eval_count: Type.Optional(count),
  eval_duration: Type.Optional(duration),
};
const head = { model: Type.String(), created_at: Type.String() };

export const chatSchema = Type.Object({
  ...head,
  message: Type.Object({ role: Type.Literal("assistant"), content: Type.String(), thinking, tool_calls: calls }),
  ...end,
});
export const generateSchema = Type.Object({ ...head, response: Type.String(), thinking, ...end });
export const embedSchema = Type.Object({
  model: Type.String(),
  embeddings: Type.Array(Type.Array(Type.Number())),
  total_duration: duration,
  load_duration: duration,
  prompt_eval_count: count,
});
export const embeddingSchema = Type.Object({ embedding: Type.Array(Type.Number()) });

const details = Type.Object({ format: Type.String(), family: Type.String(), parameter_size: Type.String(), quantization_level: Type.String() });
const tag = { name: Type.String(), model: Type.String(), size: count, digest: Type.String(), details };
export const tagsSchema = Type.Object({ models: Type.Array(Type.Object({ ...tag, modified_at: Type.String() })) });
export const runningSchema = Type.Object({
  models: Type.Array(Type.Object({ ...tag, expires_at: Type.String(), size_vram: count, context_length: count })),
});
export const showSchema = Type.Object({
  modelfile: Type.String(),
  template: Type.String(),
  details,
  model_info: Type.Object({}),
  capabilities: Type.Array(Type.String()),
  modified_at: Type.String(),
});
export const versionSchema = Type.Object({
  version: Type.String({ description: "Of the Ollama whose API this is; clients compare it with what they need." }),
  pippin: Type.String({ description: "This server's own." }),
});
export const errorSchema = Type.Object({ error: Type.String() });
