// The shapes of the Responses routes' answers, for the OpenAPI document.
import Type from "typebox";

const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const content = Type.Array(Type.Object({ type: Type.Enum(["output_text", "reasoning_text"]), text: Type.String() }));

const outputItem = Type.Union([
  Type.Object({ type: Type.Literal("message"), id: Type.String(), status: Type.String(), role: Type.Literal("assistant"), content }),
  Type.Object({
    type: Type.Literal("reasoning"),
    id: Type.String(),
    status: Type.String(),
    content,
    encrypted_content: nullable("Readable; see `include`."),
  }),
  Type.Object({
    type: Type.Literal("function_call"),
    id: Type.String(),
    status: Type.String(),
    call_id: Type.String({ description: "Named by the output that answers." }),
    name: Type.String(),
    namespace: Type.Optional(Type.String()),
    arguments: Type.String({ description: "JSON text as the model wrote it." }),
  }),
  Type.Object({ type: Type.Literal("custom_tool_call"), id: Type.String(), call_id: Type.String(), name: Type.String(), input: Type.String() }),
]);

export const responseSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("response"),
  created_at: Type.Integer({ description: "Seconds since 1970." }),
  status: Type.Enum(["in_progress", "completed", "incomplete", "failed", "cancelled"]),
  error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  incomplete_details: Type.Union([Type.Object({ reason: Type.Literal("max_output_tokens") }), Type.Null()]),
  model: Type.String({ description: "The model's name as the request gave it." }),
  output: Type.Array(outputItem),
  output_text: Type.String({ description: "All text of the answer." }),
  previous_response_id: nullable("As in the request, like the other fields that it has."),
  usage: Type.Union([
    Type.Object({
      input_tokens: Type.Integer(),
      input_tokens_details: Type.Object({ cached_tokens: Type.Integer({ description: "Not computed again." }) }),
      output_tokens: Type.Integer(),
      output_tokens_details: Type.Object({ reasoning_tokens: Type.Integer() }),
      total_tokens: Type.Integer(),
    }),
    Type.Null(),
  ]),
});

export const deletedSchema = Type.Object({ id: Type.String(), object: Type.Literal("response"), deleted: Type.Literal(true) });

export const itemListSchema = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(Type.Object({ id: Type.String(), type: Type.String() })),
  first_id: nullable("Of the page."),
  last_id: nullable("Of the page; give it as `after` for the next one."),
  has_more: Type.Boolean(),
});

export const inputTokensSchema = Type.Object({ object: Type.Literal("response.input_tokens"), input_tokens: Type.Integer() });
