// What both text routes put into their answers: ids, usage, failures, and the fixed parts of a stream's frames.
import type { Failure } from "../frames.ts";
import type { FinishEvent, PrefixReport, Usage } from "../../chat/types.ts";

/** The fields that head every object and chunk of one answer. */
export interface Head {
  readonly id: string;
  readonly created: number; // seconds
  readonly model: string;
  readonly fingerprint: string;
  readonly serviceTier: "default" | undefined;
}

export interface FrameOptions {
  readonly choices: number;
  readonly choicesPerPrompt: number;
  readonly includeUsage: boolean;
}

export const done = "data: [DONE]\n\n";
export const comment = ": keep-alive\n\n";

/** OpenAI's shape of an error; vllm-mlx's clients read `detail`. */
export function toErrorBody({ message, type, param, code }: Failure) {
  return { error: { message, type, param, code }, detail: message };
}

/** The end of a stream that failed: clients that know no error frames still see it end. */
export function failedEnd(failure: Failure): string {
  return `data: ${JSON.stringify(toErrorBody(failure))}\n\n${done}`;
}

/** The usage of a request: its choices share their prompt, which is counted once. */
export function toUsage(finishes: readonly FinishEvent[], choicesPerPrompt: number) {
  const prompts = finishes.filter(({ choice }) => choice % choicesPerPrompt === 0).map(({ usage }) => usage);
  const sum = (usages: readonly Usage[], field: keyof Usage) => usages.reduce((total, usage) => total + usage[field], 0);
  const choices = finishes.map(({ usage }) => usage);
  const [promptTokens, completionTokens] = [sum(prompts, "promptTokens"), sum(choices, "completionTokens")];
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: sum(prompts, "cachedTokens") },
    completion_tokens_details: { reasoning_tokens: sum(choices, "reasoningTokens") },
  };
}

/** One entry of `prefix_cache` for each choice; those of one prompt share it. */
export function toDiagnostics(reports: readonly PrefixReport[]) {
  const { contextTokens = 0 } = reports[0] ?? {};
  const longest = Math.max(...reports.map(({ promptTokens }) => promptTokens));
  return {
    level: "basic",
    max_context_tokens: contextTokens,
    effective_context_tokens: contextTokens,
    context_utilization_pct: Math.round((longest / contextTokens) * 10_000) / 100,
    prefix_cache: reports.map(({ promptTokens, cachedTokens, sharedTokens, left }) => ({
      prompt_tokens: promptTokens,
      cached_tokens: cachedTokens,
      shared_tokens: sharedTokens,
      diverged_at: left
        ? { token_index: left.token, message_index: left.message ?? null, prompt_token: left.prompt, stored_token: left.stored ?? null }
        : null,
    })),
  };
}

/** A chunk of its own, because clients read choices by their known fields. */
export function diagnosticsFrame(prefix: string, report: PrefixReport): string {
  return `${prefix}[],"diagnostics":${JSON.stringify(toDiagnostics([report]))}}\n\n`;
}

/** Why an answer stopped, beyond finish_reason: the stop text, or that it went round in circles and how. */
export function stopFields(finish: FinishEvent | undefined) {
  const { stopString, repetition } = finish ?? {};
  if (repetition === undefined) return { stop_reason: stopString ?? null };
  return { stop_reason: "repetition_detected", stop_reason_detail: repetition };
}

/**
 * The constant front of every chunk of a stream, up to the value of `choices`. Built once: a stream writes thousands of chunks.
 * `service_tier` and, when usage was asked for, `usage: null` stand in front too, because the order of fields means nothing.
 */
export function chunkPrefix(object: string, head: Head, includeUsage: boolean): string {
  const fields = {
    id: head.id,
    object,
    created: head.created,
    model: head.model,
    system_fingerprint: head.fingerprint,
    ...(head.serviceTier && { service_tier: head.serviceTier }),
    ...(includeUsage && { usage: null }),
  };
  return `data: ${JSON.stringify(fields).slice(0, -1)},"choices":`;
}

export function usageFrame(object: string, head: Head, finishes: readonly FinishEvent[], choicesPerPrompt: number): string {
  return `${chunkPrefix(object, head, false)}[],"usage":${JSON.stringify(toUsage(finishes, choicesPerPrompt))}}\n\n`;
}
