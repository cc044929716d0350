// The shapes of the Anthropic routes' answers, for the OpenAPI document; encode.ts writes them.
import Type from "typebox";

const usageSchema = Type.Object({
  input_tokens: Type.Integer({ description: "Tokens of the prompt that were computed." }),
  cache_creation_input_tokens: Type.Integer({ description: "Always 0: every prefix is stored without being asked." }),
  cache_read_input_tokens: Type.Integer({ description: "Tokens of the prompt that were not computed again." }),
  output_tokens: Type.Integer({ description: "Generated tokens, the end mark and thinking included." }),
  output_tokens_details: Type.Object({ thinking_tokens: Type.Integer() }),
});

export const messageResponseSchema = Type.Object({
  id: Type.String(),
  type: Type.Literal("message"),
  role: Type.Literal("assistant"),
  model: Type.String({ description: "The model's name as the request gave it." }),
  content: Type.Array(
    Type.Union([
      Type.Object({ type: Type.Literal("text"), text: Type.String(), citations: Type.Null() }),
      Type.Object({ type: Type.Literal("thinking"), thinking: Type.String(), signature: Type.String({ description: "A digest; never checked." }) }),
      Type.Object({
        type: Type.Literal("tool_use"),
        id: Type.String({ description: "Named by the tool_result that answers." }),
        name: Type.String(),
        input: Type.Object({}, { description: "{INVALID_JSON: text} when the model wrote none." }),
      }),
    ]),
  ),
  stop_reason: Type.Enum(["end_turn", "max_tokens", "model_context_window_exceeded", "stop_sequence", "tool_use"]),
  stop_sequence: Type.Union([Type.String(), Type.Null()]),
  usage: usageSchema,
});

export const countSchema = Type.Object({ input_tokens: Type.Integer({ description: "Tokens of the prompt as the model reads it." }) });

export const errorSchema = Type.Object({
  type: Type.Literal("error"),
  error: Type.Object({ type: Type.String(), message: Type.String({ description: "What is wrong, and where possible what to do." }) }),
  request_id: Type.String({ description: "The same in the header request-id." }),
});
