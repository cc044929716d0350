// Every field that Anthropic documents for /v1/messages and /v1/messages/count_tokens, each with its fate.
import Type from "typebox";
import { accepted, bodySchema, refused, works, type Body } from "../body.ts";
import { messageSchema, outputConfigSchema, systemSchema, thinkingSchema, toolChoiceSchema, toolSchema } from "./schema.ts";
import * as common from "../common-fields.ts";

const nothing = (why: string) => accepted(Type.Union([Type.Object({}), Type.String()], { description: `No effect: ${why}.` }));

/** What makes the prompt. */
export const countFields = {
  model: common.servedModel,
  messages: works(Type.Array(messageSchema, { minItems: 1, description: "The conversation so far. System messages stay where they stand." })),
  system: works(systemSchema),
  tools: works(Type.Array(toolSchema, { maxItems: 1024, description: "Functions that the model may call." })),
  tool_choice: works(toolChoiceSchema),
  thinking: works(thinkingSchema),
  output_config: works(outputConfigSchema),
  cache_control: nothing("shared prefixes are found by their content"),
  context_management: nothing("the conversation is read as it is sent"),
  speed: nothing("there is one speed here"),
  user_profile_id: nothing("a local server keeps no users"),
  workspace_id: nothing("a local server keeps no workspaces"),
  mcp_servers: refused("tool servers are not called on behalf of a request"),
};

export const messagesFields = {
  ...countFields,
  max_tokens: works(
    Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: "Upper bound of generated tokens, thinking included; 0 only reads the prompt." }),
  ),
  stream: common.stream,
  stop_sequences: works(
    Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
      maxItems: 64,
      description: "Texts that end the answer, which does not contain them.",
    }),
  ),
  temperature: works(Type.Number({ minimum: 0, maximum: 1, description: "0 always takes the likeliest token." })),
  top_p: common.topP,
  top_k: works(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: "Draws from the k likeliest tokens; 0 is off." })),
  metadata: accepted(Type.Object({}, { description: "No effect: nothing is stored." })),
  service_tier: accepted(Type.Enum(["auto", "standard_only"], { description: "No effect: there is one tier here." })),
  inference_geo: nothing("the answer is made here"),
  diagnostics: nothing("none are made"),
  container: refused("there are no containers here"),
};

export type CountBody = Body<typeof countFields>;
export type MessagesBody = Body<typeof messagesFields>;

export const countBodySchema = bodySchema(countFields, ["messages"]);
export const messagesBodySchema = bodySchema(messagesFields, ["messages", "max_tokens"]);
