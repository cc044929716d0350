// Starting, stopping, dying: what happens to running requests, new ones, the engine and the exit code.
import { describe, expect, test } from "bun:test";
import { startServer, isAlive, Server } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

interface Frames {
  readonly status: number;
  readonly data: string[]; // payloads of the frames in order
}

const question = { model: "pippin-mini", messages: [{ role: "user", content: "Count." }], temperature: 0, ignore_eos: true };

function post(server: Server, body: object): Promise<Response> {
  return fetch(`${server.url}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

/** Opens a stream; resolves at its first text with the promise of all its frames. */
async function openStream(server: Server, maxTokens: number): Promise<{ all: Promise<Frames> }> {
  const response = await post(server, { ...question, max_tokens: maxTokens, stream: true });
  const started = Promise.withResolvers<void>();
  const all = (async () => {
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.split("data: ").length > 3) started.resolve();
    }
    return { status: response.status, data: [...text.matchAll(/^data: (.*)$/gm)].map(match => match[1]!) };
  })();
  all.catch(() => {}); // whoever waits for it hears of it
  await Promise.race([started.promise, all]);
  return { all };
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const port = server.port!;
  void server.stop(true);
  return port;
}

async function answers(server: Server): Promise<number> {
  return (await post(server, { ...question, max_tokens: 1 })).status;
}

describe("a start", () => {
  test("prints one block with the model, the address and something to try", async () => {
    await using server = await startServer();
    expect(await answers(server)).toBe(200);
    const block = server.output.join("\n");
    expect(block).toMatch(/model +pippin-mini/);
    expect(block).toContain(`${server.url}/v1`);
    expect(block).toContain("curl ");
    expect(block).not.toContain("\x1b[");
  });

  test("warms up when it is told to: says so on the terminal and at /health, sends requests away meanwhile and counts none of it", async () => {
    const port = freePort();
    await using server = new Server({ args: ["--warm-up", "on", "--max-num-seqs", "2", "--prefill-step-size", "64", "--port", String(port)] });
    server.url = `http://127.0.0.1:${port}`;
    const health = async () =>
      (await fetch(`${server.url}/health`).catch(() => undefined))?.json() as Promise<{ status: string; warming_up?: object }>;
    await until(async () => (await health())?.status === "warming_up");
    expect((await health()).warming_up).toEqual({ doing: expect.any(String), stage: expect.any(Number), stages: expect.any(Number) });
    const refused = await post(server, { ...question, max_tokens: 1 });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(await refused.json()).toMatchObject({ error: { code: "engine_warming_up" } });
    await until(async () => (await health())?.status === "healthy");
    const status = (await (await fetch(`${server.url}/v1/status`)).json()) as object;
    expect(status).toMatchObject({ total_requests_processed: 0, total_prompt_tokens: 0, total_completion_tokens: 0, steps_executed: 0 });
    await until(() => server.output.some(line => /device +cpu, warmed up in [\d.]+ s$/.test(line)));
    expect(server.output.filter(line => line.startsWith("warming up (")).length).toBeGreaterThan(2);
    expect(await answers(server)).toBe(200);
  });

  test("on a taken port is refused in one line", async () => {
    await using server = await startServer();
    const port = new URL(server.url).port;
    await using second = new Server({ args: ["--port", port] });
    expect(await second.exitCode).toBe(1);
    expect(second.output).toEqual([expect.stringMatching(new RegExp(`^error: .*${port}.*--port`))]);
  });
});

describe("SIGTERM", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("or its like (%s) lets running answers finish, refuses new ones and exits with 0", async signal => {
    await using server = await startServer();
    const engine = server.enginePid()!;
    const { all } = await openStream(server, 60);
    server.signal(signal);
    await Bun.sleep(100);
    const refused = await post(server, { ...question, max_tokens: 1 });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    const { data } = await all;
    expect(data.at(-1)).toBe("[DONE]");
    expect(data.some(frame => frame.includes('"finish_reason":"length"'))).toBe(true);
    expect(await server.exitCode).toBe(0);
    expect(isAlive(engine)).toBe(false);
  });

  test("without running requests ends", async () => {
    await using server = await startServer();
    server.signal("SIGTERM");
    expect(await server.exitCode).toBe(0);
  });

  test("a second time stops at once", async () => {
    await using server = await startServer();
    const engine = server.enginePid()!;
    const { all } = await openStream(server, 3000);
    server.signal("SIGTERM");
    await Bun.sleep(100);
    server.signal("SIGTERM");
    await all.catch(() => {});
    expect(await server.exitCode).toBe(130);
    await until(() => !isAlive(engine));
  });
});

describe("a killed engine", () => {
  test("ends its streams with an error frame, is refused for with 503, and comes back by itself", async () => {
    await using server = await startServer();
    const engine = server.enginePid()!;
    const streams = await Promise.all([openStream(server, 3000), openStream(server, 3000)]);
    process.kill(engine, "SIGKILL");
    for (const { all } of streams) {
      const { data } = await all;
      expect(data.some(frame => frame.includes('"error"') && frame.includes("engine_lost"))).toBe(true);
    }
    const refused = await post(server, { ...question, max_tokens: 1 });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    await until(async () => (await answers(server)) === 200);
    expect(server.enginePid()).not.toBe(engine);
  });
});

test("a killed server leaves no engine behind", async () => {
  await using server = await startServer();
  const engine = server.enginePid()!;
  await openStream(server, 3000);
  server.signal("SIGKILL");
  await until(() => !isAlive(engine));
});
