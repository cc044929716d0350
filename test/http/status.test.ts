// GET /v1/status: the engine's numbers under the names that vllm-mlx's clients read.
import { describe, expect, test } from "bun:test";
import type { SequenceStats } from "../../src/engine/protocol.ts";
import { until } from "../helpers/until.ts";
import { chat, hello, open, say } from "./open.ts";

const writing: SequenceStats = {
  id: 4,
  tag: "req_a",
  phase: "generation",
  promptTokens: 100,
  completionTokens: 21,
  maxTokens: 64,
  cachedTokens: 64,
  elapsedMs: 2512.4,
  firstTokenMs: 512.4,
};

describe("the status", () => {
  test("shows totals, memory and every request with its phase, progress and speed", async () => {
    const opened = open("Hi");
    const usual = await opened.engine.stats();
    opened.engine.stats = async () => ({
      ...usual,
      running: 1,
      waiting: 1,
      steps: 40,
      finished: 7,
      completionRate: 123.456,
      promptRate: 4567.89,
      activeBytes: 1_234_567_890,
      peakConcurrency: 5,
      sequences: [writing, { ...writing, id: 9, tag: undefined, phase: "queued", completionTokens: 0, cachedTokens: 0, firstTokenMs: undefined }],
    });
    const status = (await (await opened.send("/v1/status")).json()) as { requests: unknown[] };
    expect(status).toMatchObject({
      status: "running",
      model: "org/mini",
      steps_executed: 40,
      num_running: 1,
      num_waiting: 1,
      total_requests_processed: 7,
      generation_tps: 123.5,
      prompt_tps: 4567.9,
      metal: { active_memory_gb: 1.235 },
      cache: null,
      runtime: { active_concurrency: 2, peak_concurrency: 5 },
    });
    expect(status.requests).toEqual([
      {
        request_id: "req_a",
        status: "running",
        phase: "generation",
        elapsed_s: 2.51,
        prompt_tokens: 100,
        completion_tokens: 21,
        max_tokens: 64,
        progress: 0.328,
        tokens_per_second: 10,
        ttft_s: 0.512,
        cache_hit_type: "prefix",
        cached_tokens: 64,
      },
      expect.objectContaining({ request_id: "9", status: "waiting", phase: "queued", ttft_s: null, tokens_per_second: null, cache_hit_type: null }),
    ]);
  });

  test("needs the key, like everything that tells of requests", async () => {
    const opened = open("Hi", { config: { apiKey: "secret" } });
    expect((await opened.send("/v1/status")).status).toBe(401);
    expect((await opened.send("/v1/status", { headers: { authorization: "Bearer secret" } })).status).toBe(200);
  });

  test("says in which state an engine is that takes no requests, and that there is none", async () => {
    const opened = open("Hi", { engine: { state: "restarting" } });
    expect(await (await opened.send("/v1/status")).json()).toEqual({ status: "restarting", model: "org/mini", requests: [] });
    const empty = open("Hi", { models: () => [] });
    expect(await (await empty.send("/v1/status")).json()).toEqual({ status: "not_loaded", model: null, requests: [] });
  });

  test("calls a request by the id that its response carries", async () => {
    const opened = open([say("Hi", { hang: true })]);
    const leave = new AbortController();
    const response = await opened.post(chat, { ...hello, stream: true }, { signal: leave.signal });
    await until(() => opened.engine.running === 1, "the request runs");
    expect(opened.engine.sequences[0]!.request.tag).toBe(response.headers.get("x-request-id")!);
    leave.abort();
  });
});
