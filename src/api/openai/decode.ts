// Wire bodies of /v1/chat/completions and /v1/completions → ChatRequest and CompletionRequest. Throws ApiError 400 naming the field.
import type { ChatRequest, CompletionRequest, Generation, Message } from "../../chat/types.ts";
import { checkBody, refuse } from "../body.ts";
import { chatFields, completionFields, type ChatBody, type CompletionBody } from "./fields.ts";
import { decodeMessages } from "./messages.ts";
import { maxPrompts } from "./schema.ts";
import { decodeConstraint } from "./structured.ts";
import { decodeTools } from "./tools.ts";
import { readSampling, readTemplateOptions } from "../generation.ts";

/** What a route needs beside the request itself. */
export interface Wire<Request> {
  readonly request: Request;
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly timeoutSeconds: number | undefined;
  readonly serviceTier: "default" | undefined; // answered only when asked for
  readonly ignored: readonly string[]; // fields that nobody documents, for a response header
}

export interface ChatWire extends Wire<ChatRequest> {
  readonly custom: ReadonlySet<string>; // the names of custom tools
}

export function decodeChat(value: unknown): ChatWire {
  const ignored = new Set<string>();
  const body = checkBody<ChatBody>(value, chatFields, ["messages"], ignored);
  const messages = decodeMessages(body.messages, ignored);
  if (body.top_logprobs !== undefined && !body.logprobs)
    refuse({ path: ["top_logprobs"], code: "invalid_value", message: "needs 'logprobs' to be true" });
  const { custom, ...tools } = decodeTools(body);
  return {
    ...wireOf(body, ignored),
    serviceTier: body.service_tier && "default",
    custom,
    request: {
      messages,
      ...tools,
      parallelToolCalls: body.parallel_tool_calls ?? true,
      templateOptions: templateOptions(body),
      generation: generationOf(
        body,
        (body.max_completion_tokens ?? body.max_tokens) || undefined,
        body.logprobs ? (body.top_logprobs ?? 0) : undefined,
      ),
      choices: body.n ?? 1,
      ...(continues(body, messages) && { continues: true }),
    },
  };
}

function continues(body: ChatBody, messages: readonly Message[]): boolean {
  if (!body.continue_final_message) return false;
  const last = messages.at(-1)!;
  const problem = body.add_generation_prompt
    ? "cannot be combined with 'add_generation_prompt', which opens a new answer: leave that out"
    : last.role !== "assistant"
      ? `needs a last message of the assistant, not of role "${last.role}"`
      : last.toolCalls && "needs a last message that is only text, without 'tool_calls'";
  if (problem) refuse({ path: ["continue_final_message"], code: "invalid_value", message: problem });
  return true;
}

export function decodeCompletion(value: unknown): Wire<CompletionRequest> {
  const ignored = new Set<string>();
  const body = checkBody<CompletionBody>(value, completionFields, ["prompt"], ignored);
  const choices = body.n ?? 1;
  const candidates = body.best_of ?? choices;
  if (candidates < choices) refuse({ path: ["best_of"], code: "invalid_value", message: `must be at least the value of 'n' (${choices})` });
  if (candidates > choices && body.stream)
    refuse({ path: ["best_of"], code: "invalid_value", message: "above 'n' cannot be streamed: the best is known only at the end" });
  if (body.suffix !== undefined && body.echo) refuse({ path: ["echo"], code: "invalid_value", message: "cannot be combined with 'suffix'" });
  const prompts = promptsOf(body.prompt!);
  if (prompts.length * candidates > maxPrompts)
    refuse({
      path: [body.best_of === undefined ? "n" : "best_of"],
      code: "invalid_value",
      message: `times the number of prompts must be at most ${maxPrompts}, not ${prompts.length * candidates}`,
    });
  const echo = body.echo ?? false;
  return {
    ...wireOf(body, ignored),
    serviceTier: undefined,
    request: {
      prompts,
      echo,
      ...(echo && body.logprobs !== undefined && { promptLogprobs: body.logprobs }),
      generation: generationOf(body, body.max_tokens, body.logprobs),
      choices,
      ...(candidates > choices && { candidates }),
      ...(body.suffix !== undefined && { suffix: body.suffix }),
    },
  };
}

function wireOf(body: ChatBody | CompletionBody, ignored: Set<string>) {
  const stream = body.stream ?? false;
  if (body.stream_options && !stream) refuse({ path: ["stream_options"], code: "invalid_value", message: "needs 'stream' to be true" });
  return {
    model: body.model,
    stream,
    includeUsage: body.stream_options?.include_usage ?? false,
    timeoutSeconds: body.timeout,
    ignored: [...ignored],
  };
}

function templateOptions(body: ChatBody): Record<string, unknown> {
  return {
    ...readTemplateOptions(body.reasoning_effort, body),
    ...(body.add_generation_prompt !== undefined && { add_generation_prompt: body.add_generation_prompt }),
  };
}

function generationOf(body: ChatBody | CompletionBody, maxTokens: number | undefined, logprobs: number | undefined): Generation {
  const minTokens = body.min_tokens;
  const constraint = decodeConstraint(body);
  if (minTokens !== undefined && maxTokens !== undefined && minTokens > maxTokens)
    refuse({ path: ["min_tokens"], code: "invalid_value", message: `must not be above the upper bound of ${maxTokens} tokens` });
  return {
    sampling: readSampling(body),
    stop: typeof body.stop === "string" ? [body.stop] : (body.stop ?? []),
    stopIds: body.stop_token_ids ?? [],
    ...(maxTokens !== undefined && { maxTokens }),
    ...(minTokens !== undefined && { minTokens }),
    ...(body.ignore_eos !== undefined && { ignoreEos: body.ignore_eos }),
    ...(logprobs !== undefined && { logprobs }),
    ...(body.repetition_policy_override !== undefined && { repetition: body.repetition_policy_override }),
    ...(body.priority !== undefined && { priority: body.priority }),
    ...(body.user && { user: body.user }),
    ...(constraint && { constraint }),
    ...(body.include_diagnostics && { diagnose: true }),
    ...thinkingBudget(body),
  };
}

/** Two servers' names for one thing. */
function thinkingBudget(body: ChatBody | CompletionBody): Pick<Generation, "thinkingBudget"> {
  if (!("thinking_token_budget" in body) && !("max_thinking_tokens" in body)) return {};
  const { thinking_token_budget: budget, max_thinking_tokens: most = budget } = body;
  if (budget !== undefined && budget !== most)
    refuse({ path: ["max_thinking_tokens"], code: "invalid_value", message: `must not differ from 'thinking_token_budget' (${budget})` });
  return most === undefined ? {} : { thinkingBudget: most };
}

/** Token ids that a request names must be the model's; only who knows the model can tell. */
export function checkTokenIds({ sampling, stopIds }: Generation, vocabSize: number): void {
  const last = vocabSize - 1;
  for (const [id] of sampling.logitBias ?? [])
    if (id > last) refuse({ path: ["logit_bias", String(id)], code: "invalid_value", message: `is not a token id; this model's last is ${last}` });
  const at = stopIds.findIndex(id => id > last);
  if (at >= 0) refuse({ path: ["stop_token_ids", at], code: "invalid_value", message: `is not a token id; this model's last is ${last}` });
}

function promptsOf(prompt: NonNullable<CompletionBody["prompt"]>): CompletionRequest["prompts"] {
  if (typeof prompt === "string") return [prompt];
  return typeof prompt[0] === "number" ? [prompt as number[]] : (prompt as (string | number[])[]);
}
