// Every field that OpenAI documents for /v1/responses, and a few of ours, each with its fate.
import Type from "typebox";
import { accepted, bodySchema, refused, works, type Body } from "../body.ts";
import { itemSchema, reasoningSchema, textSchema, toolChoiceSchema, toolSchema } from "./schema.ts";
import * as common from "../common-fields.ts";

/** What makes the prompt. */
export const inputFields = {
  model: common.servedModel,
  input: works(Type.Union([Type.String(), Type.Array(itemSchema)], { description: "What comes next in the conversation: a text, or items." })),
  instructions: works(Type.String({ description: "Stands before the conversation, together with system and developer messages that open it." })),
  previous_response_id: works(Type.String({ minLength: 1, maxLength: 256, description: "The stored response that this goes on from." })),
  tools: works(Type.Array(toolSchema, { maxItems: 1024, description: "Functions, custom tools and groups of both that the model may call." })),
  tool_choice: works(toolChoiceSchema),
  parallel_tool_calls: common.parallelToolCalls,
  text: works(textSchema),
  reasoning: works(reasoningSchema),
  chat_template_kwargs: common.templateVariables,
  enable_thinking: common.enableThinking,
  truncation: accepted(
    Type.Literal("disabled", { description: "Only `disabled`.", "x-refused": "a conversation that is too long is refused, never cut in silence" }),
  ),
  conversation: refused("conversations are not stored; use previous_response_id"),
};

const included = ["reasoning.encrypted_content", "message.output_text.logprobs"] as const;
const nothingToInclude = [
  "message.input_image.image_url",
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "code_interpreter_call.outputs",
  "computer_call_output.output.image_url",
] as const;

const nothing = "No effect: a local server keeps no users.";

export const responsesFields = {
  ...inputFields,
  stream: common.stream,
  store: works(Type.Boolean({ description: "Keeps the response for a while, to be read again or to go on from.", default: true })),
  background: works(Type.Boolean({ description: "Answers at once; the response is read later. Needs `store`, not with `stream`.", default: false })),
  include: works(
    Type.Array(Type.Enum([...included, ...nothingToInclude]), {
      maxItems: 32,
      description:
        "`reasoning.encrypted_content` lets a client that stores nothing give thinking back; `message.output_text.logprobs`. The others have no effect: they belong to tools that are not served.",
    }),
  ),
  max_output_tokens: works(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: "Upper bound of generated tokens, thinking included." })),
  temperature: works(Type.Number({ minimum: 0, maximum: 2, description: "0 always takes the likeliest token." })),
  top_p: common.topP,
  top_logprobs: works(
    Type.Integer({ minimum: 0, maximum: 20, description: "Alternatives per token; needs `message.output_text.logprobs` in `include`." }),
  ),
  top_k: common.topK,
  min_p: common.minP,
  seed: common.seed,
  timeout: common.timeout,
  stream_options: accepted(Type.Object({}, { description: "No effect: events are never padded here." })),
  max_tool_calls: accepted(Type.Integer({ minimum: 0, description: "No effect: it bounds tools that a server runs, and none are run here." })),
  metadata: works(Type.Object({}, { description: "Given back with the response." })),
  user: accepted(Type.String({ description: nothing })),
  safety_identifier: accepted(Type.String({ description: nothing })),
  ...common.promptCacheFields,
  service_tier: common.serviceTier,
  prompt: refused("prompts are not stored here"),
  context_management: refused("the conversation is read as it is sent"),
  moderation: refused("there is no moderation model here"),
  image: refused("this route answers with text"),
  access_programs: refused("a local server has none"),
};

export type InputBody = Body<typeof inputFields>;
export type ResponsesBody = Body<typeof responsesFields>;

export const inputBodySchema = bodySchema(inputFields, []);
export const responsesBodySchema = bodySchema(responsesFields, []);
