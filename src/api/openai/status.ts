// The engine's numbers as GET /v1/status tells them, under vllm-mlx's names.
import Type from "typebox";
import type { DivergenceReport, EngineStats, MemoryStats, PressureReport, SequenceStats } from "../../engine/protocol.ts";
import { toCacheStats } from "./cache.ts";

export interface StatusOf {
  readonly model: string;
  readonly uptimeSeconds: number;
  readonly stats: EngineStats;
}

export const notLoaded = { status: "not_loaded", model: null, requests: [] };

export function toStatus({ model, uptimeSeconds, stats }: StatusOf) {
  const { memory, pressure, divergence, repetitions } = stats;
  return {
    status: "running",
    model,
    uptime_s: round(uptimeSeconds, 1),
    steps_executed: stats.steps,
    num_running: stats.running,
    num_waiting: stats.waiting,
    total_requests_processed: stats.finished,
    total_prompt_tokens: stats.promptTokens,
    total_completion_tokens: stats.completionTokens,
    generation_tps: round(stats.completionRate, 1),
    prompt_tps: round(stats.promptRate, 1),
    metal: {
      active_memory_gb: round(stats.activeBytes / 1e9, 3),
      peak_memory_gb: round(stats.peakBytes / 1e9, 3),
      cache_memory_gb: round(stats.cacheBytes / 1e9, 3),
    },
    cache: stats.prefix === undefined ? null : toCacheStats(stats.prefix),
    runtime: {
      mode: stats.mode,
      active_concurrency: stats.running + stats.waiting,
      peak_concurrency: stats.peakConcurrency,
      preemptions: stats.preemptions,
    },
    memory: memory && toMemory(memory, pressure),
    batch_divergence: divergence && toDivergence(divergence),
    repetition: {
      interventions_total: repetitions.total,
      interventions_by_mode: repetitions.byMode,
      interventions_by_trigger: repetitions.byTrigger,
      tokens_saved_total: repetitions.tokensSaved,
    },
    requests: stats.sequences.map(toRequest),
  };
}

function toMemory(memory: MemoryStats, pressure: PressureReport | undefined) {
  return {
    limit_bytes: memory.limit,
    weights_bytes: memory.weights,
    kv_bytes: memory.kv,
    recurrent_bytes: memory.recurrent,
    reserved_bytes: memory.kvReserved,
    work_bytes: memory.work,
    prefix_bytes: memory.prefixes,
    allocator_bytes: memory.allocator,
    active_bytes: memory.active,
    buffers: memory.buffers,
    pressure: pressure?.state ?? "unknown",
    trend: pressure?.trend ?? "unknown",
    utilization_pct: pressure?.percent === undefined ? null : round(pressure.percent, 2),
  };
}

function toDivergence(divergence: DivergenceReport) {
  return {
    status: divergence.status,
    sample_count: divergence.samples,
    threshold: divergence.threshold,
    action: divergence.action,
    serialize_active: divergence.serializes,
    last_token_agreement: divergence.agreement ?? null,
    last_exact_match: divergence.exact ?? null,
    last_checked_epoch: divergence.checkedAt === undefined ? null : Math.floor(divergence.checkedAt / 1000),
    ...(divergence.error !== undefined && { error: divergence.error }),
  };
}

function toRequest(one: SequenceStats) {
  const { phase, promptTokens, completionTokens, maxTokens, cachedTokens, elapsedMs, firstTokenMs } = one;
  const writingMs = firstTokenMs === undefined ? 0 : elapsedMs - firstTokenMs;
  return {
    request_id: one.tag ?? String(one.id),
    status: phase === "queued" ? "waiting" : "running",
    phase,
    elapsed_s: round(elapsedMs / 1000, 2),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    max_tokens: maxTokens,
    progress: maxTokens === 0 ? 0 : round(completionTokens / maxTokens, 3),
    tokens_per_second: completionTokens > 1 && writingMs > 0 ? round((completionTokens - 1) / (writingMs / 1000), 1) : null,
    ttft_s: firstTokenMs === undefined ? null : round(firstTokenMs / 1000, 3),
    cache_hit_type: phase === "queued" ? null : cachedTokens === 0 ? "miss" : cachedTokens >= promptTokens - 1 ? "exact" : "prefix",
    cached_tokens: cachedTokens,
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const count = Type.Integer({ minimum: 0 });
const nullable = (schema: ReturnType<typeof Type.Number>) => Type.Union([schema, Type.Null()]);

const requestSchema = Type.Object({
  request_id: Type.String({ description: "As in the response header x-request-id; n choices are n entries." }),
  status: Type.Enum(["waiting", "running"]),
  phase: Type.Enum(["queued", "prefill", "generation"]),
  elapsed_s: Type.Number(),
  prompt_tokens: count,
  completion_tokens: count,
  max_tokens: count,
  progress: Type.Number({ description: "completion_tokens / max_tokens." }),
  tokens_per_second: nullable(Type.Number({ description: "Since the first token." })),
  ttft_s: nullable(Type.Number({ description: "Until the first token." })),
  cache_hit_type: Type.Union([Type.Enum(["exact", "prefix", "miss"]), Type.Null()]),
  cached_tokens: count,
});

export const statusSchema = Type.Object({
  status: Type.String({ description: "`running`, `not_loaded`, or the engine's state when it takes no requests." }),
  model: Type.Union([Type.String(), Type.Null()]),
  uptime_s: Type.Optional(Type.Number()),
  steps_executed: Type.Optional(count),
  num_running: Type.Optional(count),
  num_waiting: Type.Optional(count),
  total_requests_processed: Type.Optional(count),
  total_prompt_tokens: Type.Optional(Type.Integer({ description: "That were read; stored ones are not." })),
  total_completion_tokens: Type.Optional(count),
  generation_tps: Type.Optional(Type.Number({ description: "Tokens that all answers got a second, over the last 5 seconds; 0 when idle." })),
  prompt_tps: Type.Optional(Type.Number({ description: "Prompt tokens read a second, likewise; stored ones are not read." })),
  metal: Type.Optional(Type.Object({ active_memory_gb: Type.Number(), peak_memory_gb: Type.Number(), cache_memory_gb: Type.Number() })),
  cache: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
  runtime: Type.Optional(Type.Object({ mode: Type.String(), active_concurrency: count, peak_concurrency: count, preemptions: count })),
  memory: Type.Optional(Type.Object({}, { description: "What the device's memory is spent on, in bytes." })),
  batch_divergence: Type.Optional(Type.Object({}, { description: "Only with --batch-divergence-monitor." })),
  repetition: Type.Optional(Type.Object({}, { description: "Answers that were ended because they went round in circles." })),
  requests: Type.Array(requestSchema),
});
