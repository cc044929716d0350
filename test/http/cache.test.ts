import { describe, expect, test } from "bun:test";
import { chat, completions, frames, ids, open, say } from "./open.ts";

const prefix = {
  strategy: "paged" as const,
  blockSize: 64,
  maxBytes: 4_000_000,
  maxBlocks: 1000,
  blocks: 3,
  bytes: 1_000_000,
  chains: 2,
  evictions: 5,
  hits: 1,
  misses: 2,
  tokensSaved: 128,
};

describe("stored prefixes", () => {
  test("are told under vllm-mlx's names, for each model", async () => {
    const { send } = open("", { engine: { prefix } });
    const body: any = await (await send("/v1/cache/stats")).json();
    expect(body).toMatchObject({ multimodal_kv_cache: null, pixel_values_cache: null, pil_image_cache: null });
    expect(body.engine_cache).toEqual({
      enabled: true,
      strategy: "paged",
      hits: 1,
      misses: 2,
      hit_rate: 0.3333,
      evictions: 5,
      tokens_saved: 128,
      current_memory_mb: 1,
      max_memory_mb: 4,
      memory_utilization: 0.25,
      entry_count: 2,
      max_entries: null,
      block_size: 64,
      allocated_blocks: 3,
      max_blocks: 1000,
      ssd: null,
    });
    expect(body.models).toEqual([{ model: "org/mini", ...body.engine_cache }]);
  });

  test("are told with what is on disk", async () => {
    const onDisk = { blocks: 4, bytes: 2e9, maxBytes: 10e9, waiting: 1, written: 3, read: 2, damaged: 0, stopped: undefined };
    const body: any = await (await open("", { engine: { prefix: { ...prefix, onDisk } } }).send("/v1/cache/stats")).json();
    expect(body.engine_cache.ssd).toEqual({
      blocks: 4,
      current_gb: 2,
      max_gb: 10,
      blocks_waiting: 1,
      blocks_written: 3,
      blocks_read: 2,
      blocks_damaged: 0,
      stopped: null,
    });
  });

  test("are said to be off where they are", async () => {
    const body: any = await (await open("").send("/v1/cache/stats")).json();
    expect(body.engine_cache).toEqual({ enabled: false });
  });

  test("are cleared by either route", async () => {
    const { send, engine } = open("");
    expect(await (await send("/v1/cache", { method: "DELETE" })).json()).toEqual({ status: "cleared", caches: ["prefix"] });
    expect(await (await send("/v1/cache/prefix", { method: "DELETE" })).json()).toEqual({ status: "cleared", rewarm_scheduled: false });
    expect(engine.cleared).toBe(2);
  });

  test("need the key and a running engine", async () => {
    const locked = open("", { config: { apiKey: "secret" } });
    expect((await locked.send("/v1/cache", { method: "DELETE" })).status).toBe(401);
    expect((await locked.send("/v1/cache/stats")).status).toBe(401);
    expect(locked.engine.cleared).toBe(0);
    expect((await open("", { engine: { state: "restarting" } }).send("/v1/cache/stats")).status).toBe(503);
  });
});

describe("include_diagnostics", () => {
  const messages = [
    { role: "system", content: "You are brief." },
    { role: "user", content: "What is the capital of France?" },
    { role: "assistant", content: "Paris." },
    { role: "user", content: "And of Italy?" },
  ];
  const body = { messages, include_diagnostics: true };

  /** The prompt that the app makes, and the index of the first token whose text behind it begins so. */
  async function promptOf(): Promise<Uint32Array> {
    const opened = open("Rome.");
    await opened.json(chat, body);
    return opened.engine.sequences[0]!.request.prompt;
  }
  const find = (prompt: Uint32Array, text: string): number => {
    const wanted = ids(text);
    return prompt.findIndex((_, at) => wanted.every((id, i) => prompt[at + i] === id));
  };

  test("tells the token and the message where a prompt left what is stored", async () => {
    const prompt = await promptOf();
    const cases = [
      [find(prompt, "brief"), 0],
      [find(prompt, " France"), 1],
      [find(prompt, "Paris"), 2],
      [find(prompt, " Italy"), 3],
      [prompt.length - 1, 4],
    ] as const;
    for (const [sharedTokens, message] of cases) {
      expect(sharedTokens).toBeGreaterThan(0);
      const [storedId] = ids("x");
      const { json } = open(say("Rome.", { cachedTokens: 2, prefix: { sharedTokens, storedId: storedId! } }));
      const { diagnostics, usage } = await json(chat, body);
      expect(usage.prompt_tokens_details.cached_tokens).toBe(2);
      expect(diagnostics.prefix_cache).toHaveLength(1);
      const [report] = diagnostics.prefix_cache;
      expect(report).toMatchObject({ prompt_tokens: prompt.length, cached_tokens: 2, shared_tokens: sharedTokens });
      expect(report.diverged_at).toMatchObject({ token_index: sharedTokens, message_index: message, stored_token: "x" });
    }
  });

  test("tells the use of the context, and null where all of the prompt is stored or the stored one ends", async () => {
    const prompt = await promptOf();
    const whole = await open(say("a", { prefix: { sharedTokens: prompt.length } }), { engine: { info: { contextLength: 1000 } } }).json(chat, body);
    expect(whole.diagnostics).toMatchObject({ level: "basic", max_context_tokens: 1000, effective_context_tokens: 1000 });
    expect(whole.diagnostics.context_utilization_pct).toBeCloseTo(prompt.length / 10, 5);
    expect(whole.diagnostics.prefix_cache[0].diverged_at).toBeNull();
    const ended = await open(say("a", { prefix: { sharedTokens: 5 } })).json(chat, body);
    expect(ended.diagnostics.prefix_cache[0].diverged_at).toMatchObject({ token_index: 5, stored_token: null });
  });

  test("works for plain completions, which have no messages, and for several choices", async () => {
    const answer = await open(say("a", { prefix: { sharedTokens: 1 } })).json(completions, {
      prompt: "one two three",
      n: 2,
      include_diagnostics: true,
    });
    expect(answer.diagnostics.prefix_cache.map((report: any) => report.diverged_at.message_index)).toEqual([null, null]);
  });

  test("is a chunk of its own in a stream", async () => {
    const response = await open(say("a", { prefix: { sharedTokens: 1 } })).post(chat, { ...body, stream: true });
    const chunks = (await frames(response)).filter(frame => frame.startsWith("{")).map(frame => JSON.parse(frame));
    const [own, ...more] = chunks.filter(chunk => chunk.diagnostics);
    expect(more).toEqual([]);
    expect(own).toMatchObject({ object: "chat.completion.chunk", choices: [], diagnostics: { prefix_cache: [{ shared_tokens: 1 }] } });
  });

  test("changes nothing where it is not asked for", async () => {
    const { json, engine } = open(say("a", { prefix: { sharedTokens: 1 } }));
    expect(await json(chat, { messages })).not.toHaveProperty("diagnostics");
    expect(engine.sequences[0]!.request).not.toHaveProperty("diagnose");
  });
});
