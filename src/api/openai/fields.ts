// Every field that OpenAI documents for the two text routes, and ours, each with its fate. Validation, the OpenAPI page and a test read this table.
import Type from "typebox";
import { accepted, bodySchema, refused, works, type Body } from "../body.ts";
import {
  guidedSchemas,
  maxChoices,
  messageSchema,
  predictionSchema,
  promptSchema,
  responseFormatSchema,
  stopSchema,
  structuredOutputsSchema,
  toolChoiceSchema,
  toolSchema,
} from "./schema.ts";
import * as common from "../common-fields.ts";

const both = {
  model: common.servedModel,
  stream: common.stream,
  stream_options: works(
    Type.Object(
      {
        include_usage: Type.Optional(Type.Boolean({ description: "Adds a last chunk with empty choices and the usage." })),
        include_obfuscation: Type.Optional(Type.Boolean({ description: "Accepted; chunks are never padded here." })),
      },
      { description: "Only together with `stream`." },
    ),
  ),
  max_tokens: works(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: "Upper bound of generated tokens, reasoning included." })),
  temperature: works(
    Type.Number({ minimum: 0, maximum: 2, description: "0 always takes the likeliest token; higher values flatten the distribution." }),
  ),
  top_p: common.topP,
  frequency_penalty: works(Type.Number({ minimum: -2, maximum: 2, description: "Subtracted from a token's logit for each time the answer has it." })),
  presence_penalty: works(Type.Number({ minimum: -2, maximum: 2, description: "Subtracted from a token's logit once the answer has it." })),
  logit_bias: works(
    Type.Record(Type.String({ pattern: "^[0-9]{1,9}$" }), Type.Number({ minimum: -100, maximum: 100 }), {
      maxProperties: 4096,
      "x-form": "a token id: the names in it are whole numbers, such as those that /v1/tokenize gives",
      description: "Token id to a number added to its logit; -100 bans the token.",
    }),
  ),
  seed: common.seed,
  stop: works(stopSchema),
  n: works(Type.Integer({ minimum: 1, maximum: maxChoices, description: "Choices per prompt.", default: 1 })),
  user: works(Type.String({ maxLength: 512, description: "Whose request it is: users get equal shares of a busy server." })),
};

/** Not OpenAI's; known from vLLM and vllm-mlx. */
const extensions = {
  priority: works(
    Type.Integer({
      minimum: -(2 ** 31),
      maximum: 2 ** 31 - 1,
      description: "Lower is served first, and may interrupt what is higher; 0 without it.",
    }),
  ),
  repetition_policy_override: works(
    Type.Enum(["safe", "strict"], { description: "How soon an answer that goes round in circles is ended, where the server trusts the client." }),
  ),
  top_k: common.topK,
  min_p: common.minP,
  repetition_penalty: works(
    Type.Number({ minimum: 0.01, maximum: 100, description: "Divides the logits of tokens that prompt or answer have; 1 is off." }),
  ),
  min_tokens: works(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: "Ends the answer only after that many tokens." })),
  ignore_eos: works(Type.Boolean({ description: "Goes on after the model's own end, up to `max_tokens`." })),
  stop_token_ids: works(
    Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }), { maxItems: 256, description: "Further token ids that end the answer." }),
  ),
  guided_json: works(guidedSchemas.guided_json),
  guided_regex: works(guidedSchemas.guided_regex),
  guided_choice: works(guidedSchemas.guided_choice),
  guided_grammar: works(guidedSchemas.guided_grammar),
  structured_outputs: works(structuredOutputsSchema),
  include_diagnostics: works(
    Type.Boolean({ description: "Adds `diagnostics`: use of the context, and where the prompt left what is stored of earlier ones." }),
  ),
  timeout: common.timeout,
};

export const chatFields = {
  messages: works(Type.Array(messageSchema, { minItems: 1, description: "The conversation so far." }), { byOwner: true }),
  ...both,
  max_tokens: works(
    Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: "The older name of `max_completion_tokens`; 0 means the server's default." }),
  ),
  max_completion_tokens: works(
    Type.Integer({
      minimum: 0,
      maximum: 2 ** 31 - 1,
      description: "Upper bound of generated tokens, reasoning included; 0 means the server's default.",
    }),
  ),
  logprobs: works(Type.Boolean({ description: "Adds the log probability of each generated token." })),
  top_logprobs: works(Type.Integer({ minimum: 0, maximum: 20, description: "Alternatives per token; needs `logprobs`." })),
  tools: works(Type.Array(toolSchema, { maxItems: 1024, description: "Functions and custom tools that the model may call." })),
  tool_choice: works(toolChoiceSchema),
  parallel_tool_calls: common.parallelToolCalls,
  response_format: works(responseFormatSchema),
  reasoning_effort: works(
    Type.Enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"], {
      description: "`none` and `minimal` switch the model's thinking off, other values on, where its template has the switch.",
    }),
  ),
  modalities: accepted(
    Type.Array(Type.Literal("text", { "x-refused": "this route answers with text" }), { maxItems: 2, description: 'Only ["text"].' }),
  ),
  verbosity: accepted(
    Type.Enum(["low", "medium", "high"], { description: "No effect: these models have no such control; ask for it in the prompt." }),
  ),
  metadata: accepted(Type.Object({}, { description: "No effect: nothing is stored." })),
  store: accepted(Type.Boolean({ description: "No effect: nothing is stored." })),
  safety_identifier: accepted(Type.String({ description: "No effect: a local server keeps no users." })),
  ...common.promptCacheFields,
  service_tier: common.serviceTier,
  prediction: accepted(predictionSchema),
  audio: refused("this route answers with text"),
  moderation: refused("there is no moderation model here"),
  web_search_options: refused("a local server does not search the web"),
  functions: refused("deprecated by OpenAI; use tools"),
  function_call: refused("deprecated by OpenAI; use tool_choice"),
  ...extensions,
  enable_thinking: common.enableThinking,
  thinking_token_budget: works(
    Type.Integer({
      minimum: 0,
      maximum: 2 ** 31 - 1,
      description: "Most tokens of reasoning; then the model is made to answer. The server's default when absent.",
    }),
  ),
  max_thinking_tokens: works(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: "Another name of `thinking_token_budget`." })),
  chat_template_kwargs: common.templateVariables,
  add_generation_prompt: works(
    Type.Boolean({
      description: "false renders the conversation without opening an answer. The default is the contrary of `continue_final_message`.",
    }),
  ),
  continue_final_message: works(
    Type.Boolean({
      description: "The last message, the assistant's, is the beginning of the answer; only what comes behind it is answered.",
      default: false,
    }),
  ),
};

export const completionFields = {
  prompt: works(promptSchema),
  ...both,
  max_tokens: works(
    Type.Integer({
      minimum: 0,
      maximum: 2 ** 31 - 1,
      description: "Upper bound of generated tokens; 0 only reads the prompt (with `echo` and `logprobs`).",
    }),
  ),
  logprobs: works(Type.Integer({ minimum: 0, maximum: 20, description: "Adds log probabilities, with that many alternatives per token." })),
  echo: works(Type.Boolean({ description: "Puts the prompt before the completion." })),
  best_of: works(
    Type.Integer({ minimum: 1, maximum: maxChoices, description: "Writes that many per prompt and shows the `n` likeliest by token; not streamed." }),
  ),
  response_format: works(responseFormatSchema),
  suffix: works(Type.String({ description: "The text after the gap that the answer fills, for models that were trained to." })),
  ...extensions,
};

export type ChatBody = Body<typeof chatFields>;
export type CompletionBody = Body<typeof completionFields>;

export const chatBodySchema = bodySchema(chatFields, ["messages"]);
export const completionBodySchema = bodySchema(completionFields, ["prompt"]);
