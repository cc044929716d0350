// The shapes of the OpenAI routes' answers, for the OpenAPI document; encode*.ts writes them.
import Type from "typebox";

const id = Type.String({ description: "The same in every chunk of a stream." });
const created = Type.Integer({ description: "Seconds since 1970." });
const model = Type.String({ description: "The model's name as the request gave it." });
const system_fingerprint = Type.String({ description: "Changes with the server's version and the model's weights." });
const finish_reason = Type.Enum(["stop", "length", "tool_calls"], { description: "`length` is the upper bound of tokens or of the context." });
const stop_reason = Type.Union([Type.String(), Type.Null()], { description: "The stop text that ended the answer, or repetition_detected." });
const stop_reason_detail = Type.Optional(Type.String({ description: "What was repeated: single_token_run or pattern_loop_len_N." }));
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const usageSchema = Type.Object({
  prompt_tokens: Type.Integer({ description: "Tokens of the prompts, each counted once." }),
  completion_tokens: Type.Integer({ description: "Generated tokens of all choices, the end mark and reasoning included." }),
  total_tokens: Type.Integer({ description: "The sum of both." }),
  prompt_tokens_details: Type.Object({ cached_tokens: Type.Integer({ description: "Prompt tokens that were not computed again." }) }),
  completion_tokens_details: Type.Object({ reasoning_tokens: Type.Integer({ description: "Generated tokens of the model's thinking." }) }),
});

const diagnostics = Type.Object(
  {
    level: Type.Literal("basic"),
    max_context_tokens: Type.Integer({ description: "Tokens of prompt and answer together." }),
    effective_context_tokens: Type.Integer({ description: "The same." }),
    context_utilization_pct: Type.Number({ description: "What the longest prompt fills of it." }),
    prefix_cache: Type.Array(
      Type.Object({
        prompt_tokens: Type.Integer(),
        cached_tokens: Type.Integer({ description: "Not computed again." }),
        shared_tokens: Type.Integer({ description: "In common with the stored prompt that goes along furthest." }),
        diverged_at: Type.Union(
          [
            Type.Object({
              token_index: Type.Integer(),
              message_index: Type.Union([Type.Integer(), Type.Null()], {
                description: "The number of messages for what the template writes behind them; null where it cannot be told.",
              }),
              prompt_token: Type.String(),
              stored_token: nullable("null where the stored prompt ends."),
            }),
            Type.Null(),
          ],
          { description: "null when all of the prompt is stored." },
        ),
      }),
      { description: "One entry for each choice." },
    ),
  },
  { description: "With `include_diagnostics` only; in a stream a chunk of its own." },
);

const callId = Type.String({ description: "Named by the tool message that answers." });
const toolCall = Type.Union([
  Type.Object({
    id: callId,
    type: Type.Literal("function"),
    function: Type.Object({ name: Type.String(), arguments: Type.String({ description: "JSON text as the model wrote it: check it before use." }) }),
  }),
  Type.Object({ id: callId, type: Type.Literal("custom"), custom: Type.Object({ name: Type.String(), input: Type.String() }) }),
]);

const alternative = {
  token: Type.String({ description: "The token's text." }),
  logprob: Type.Number({ description: "Natural logarithm of its probability; -9999 for an impossible token." }),
  bytes: Type.Array(Type.Integer(), { description: "Its UTF-8 bytes, which may be a part of a character." }),
};

const chatLogprobs = Type.Object({
  content: Type.Array(Type.Object({ ...alternative, top_logprobs: Type.Array(Type.Object(alternative)) })),
  refusal: Type.Null({ description: "Always null." }),
});

export const chatCompletionSchema = Type.Object({
  id,
  object: Type.Literal("chat.completion"),
  created,
  model,
  system_fingerprint,
  service_tier: Type.Optional(Type.Literal("default", { description: "Only when the request has `service_tier`." })),
  choices: Type.Array(
    Type.Object({
      index: Type.Integer({ description: "From 0 to `n` - 1." }),
      message: Type.Object({
        role: Type.Literal("assistant"),
        content: nullable("The answer; null when there are only tool calls."),
        reasoning: Type.Optional(Type.String({ description: "The model's thinking." })),
        reasoning_content: Type.Optional(Type.String({ description: "The same under its other name." })),
        tool_calls: Type.Optional(Type.Array(toolCall)),
        refusal: Type.Null({ description: "Always null." }),
      }),
      logprobs: Type.Union([chatLogprobs, Type.Null()], { description: "With `logprobs` only." }),
      finish_reason,
      stop_reason,
      stop_reason_detail,
    }),
  ),
  usage: usageSchema,
  diagnostics: Type.Optional(diagnostics),
});

export const completionSchema = Type.Object({
  id,
  object: Type.Literal("text_completion"),
  created,
  model,
  system_fingerprint,
  choices: Type.Array(
    Type.Object({
      index: Type.Integer({ description: "Prompt times `n` plus choice." }),
      text: Type.String({ description: "After the prompt's own text with `echo`." }),
      logprobs: Type.Union(
        [
          Type.Object({
            tokens: Type.Array(Type.String()),
            token_logprobs: Type.Array(Type.Union([Type.Number(), Type.Null()])),
            top_logprobs: Type.Array(Type.Union([Type.Object({}), Type.Null()])),
            text_offset: Type.Array(Type.Integer({ description: "Where the token starts in `text`." })),
          }),
          Type.Null(),
        ],
        { description: "With `logprobs` only; null for the first token of an echoed prompt." },
      ),
      finish_reason,
      stop_reason,
      stop_reason_detail,
    }),
  ),
  usage: usageSchema,
  diagnostics: Type.Optional(diagnostics),
});

export const modelSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("model"),
  created,
  owned_by: Type.String(),
  max_model_len: Type.Integer({ description: "Tokens of prompt and answer together." }),
  context_length: Type.Integer({ description: "The same under its other name." }),
  type: Type.Literal("model", { description: "Anthropic's name of `object`." }),
  display_name: Type.String({ description: "Anthropic's: the id." }),
  created_at: Type.String({ description: "Anthropic's form of `created`." }),
  max_input_tokens: Type.Integer({ description: "Anthropic's name of `max_model_len`." }),
});

export const modelListSchema = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(modelSchema),
  has_more: Type.Boolean({ description: "Anthropic's; always false." }),
  first_id: nullable("Anthropic's."),
  last_id: nullable("Anthropic's."),
});

export const healthSchema = Type.Object({
  status: Type.String({ description: "`healthy`, or the engine's state, or `not_loaded`." }),
  model_loaded: Type.Boolean(),
  model_name: nullable("The default model."),
  model_type: nullable("`llm`."),
  engine_type: Type.String({ description: "Always `batched`." }),
  engine_state: nullable("`starting`, `warming_up`, `ready`, `restarting` or `stopping`."),
  warming_up: Type.Optional(
    Type.Object(
      { doing: Type.String(), stage: Type.Integer(), stages: Type.Integer() },
      { description: "While it warms up: kernels are compiled before the first request needs them." },
    ),
  ),
  mcp: Type.Null({ description: "No tool servers." }),
  available_models: Type.Array(Type.String()),
  version: Type.String(),
});

const prefixCacheSchema = {
  enabled: Type.Boolean({ description: "false with --disable-prefix-cache; then nothing else is here." }),
  strategy: Type.Optional(Type.String()),
  hits: Type.Optional(Type.Integer({ description: "Prompts of which something was stored." })),
  misses: Type.Optional(Type.Integer()),
  hit_rate: Type.Optional(Type.Number()),
  evictions: Type.Optional(Type.Integer({ description: "Blocks that went to make room." })),
  tokens_saved: Type.Optional(Type.Integer()),
  current_memory_mb: Type.Optional(Type.Number({ description: "Of 1,000,000 bytes." })),
  max_memory_mb: Type.Optional(Type.Number()),
  memory_utilization: Type.Optional(Type.Number()),
  entry_count: Type.Optional(Type.Integer({ description: "Stored sequences, counted by their ends." })),
  max_entries: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  block_size: Type.Optional(Type.Integer({ description: "Tokens per block." })),
  allocated_blocks: Type.Optional(Type.Integer()),
  max_blocks: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  ssd: Type.Optional(
    Type.Union(
      [
        Type.Object({
          blocks: Type.Integer({ description: "Of this model; the bytes are those of all." }),
          current_gb: Type.Number(),
          max_gb: Type.Number(),
          blocks_waiting: Type.Integer({ description: "To be written." }),
          blocks_written: Type.Integer(),
          blocks_read: Type.Integer(),
          blocks_damaged: Type.Integer({ description: "Whose checksum was wrong; they were deleted and computed again." }),
          stopped: nullable("Why nothing is written now."),
        }),
        Type.Null(),
      ],
      { description: "null without --ssd-cache-dir." },
    ),
  ),
};

export const cacheStatsSchema = Type.Object({
  multimodal_kv_cache: Type.Null(),
  pixel_values_cache: Type.Null(),
  pil_image_cache: Type.Null(),
  engine_cache: Type.Object(prefixCacheSchema),
  models: Type.Array(Type.Object({ model: Type.String(), ...prefixCacheSchema })),
});

export const cacheClearedSchema = Type.Object({ status: Type.Literal("cleared"), caches: Type.Array(Type.String()) });

export const prefixClearedSchema = Type.Object({
  status: Type.Literal("cleared"),
  rewarm_scheduled: Type.Boolean({ description: "Whether the prompts of --warm-prompts are being read again." }),
});

export const errorSchema = Type.Object({
  error: Type.Object({
    message: Type.String({ description: "What is wrong, and where possible what to do." }),
    type: Type.String(),
    param: nullable("The field of the request that is meant."),
    code: nullable("A stable name of the failure."),
  }),
  detail: Type.String({ description: "The message again, where vllm-mlx's clients look for it." }),
});

export const cancelledSchema = Type.Object({ object: Type.Literal("request.cancel"), id: Type.String(), cancelled: Type.Literal(true) });
