// Everything a client or an engine can do wrong: a typed answer in one shape, and the next request works.
import { describe, expect, test } from "bun:test";
import { Elysia, t } from "elysia";
import { EngineError } from "../../src/engine/error.ts";
import { toErrorResponse, toFailure } from "../../src/http/errors.ts";
import type { FailureCode } from "../../src/engine/protocol.ts";
import { defaultLimits } from "../../src/http/limits.ts";
import { until } from "../helpers/until.ts";
import { chat, completions, frames, hello, open, say, type Opened } from "./open.ts";

/** The failure in an answer, after checking its shape and that the server still serves. */
async function failure(
  { json }: Opened,
  response: Response,
): Promise<{ status: number; message: string; type: string; param: string | null; code: string | null }> {
  const body: any = await response.json();
  expect(body).toEqual({
    error: { message: expect.any(String), type: expect.any(String), param: body.error?.param ?? null, code: body.error?.code ?? null },
    detail: body.error?.message,
  });
  expect(response.headers.get("content-type")).toStartWith("application/json");
  expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
  await json(chat, hello);
  return { status: response.status, ...body.error };
}

describe("a body", () => {
  const deep = (levels: number) => `{"messages":[],"x":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const cases: [what: string, body: string | Uint8Array, type: string | undefined, status: number, code: string][] = [
    ["that is empty", "", "application/json", 400, "empty_body"],
    ["that is no JSON", "{bad", "application/json", 400, "invalid_json"],
    ["that ends early", '{"messages":[', "application/json", 400, "invalid_json"],
    ["that is no object", "[1]", "application/json", 400, "invalid_type"],
    ["that is no UTF-8", Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), "application/json", 400, "invalid_utf8"],
    ["of another type", "{}", "text/plain", 400, "invalid_content_type"],
    ["that is a form", "a=b", "application/x-www-form-urlencoded", 400, "invalid_content_type"],
    ["nested 10^5 deep", deep(100_000), "application/json", 400, "too_deep"],
    ["of 10^5 unclosed brackets", "[".repeat(100_000), "application/json", 400, "too_deep"],
    ["with two million values", `{"messages":[${"0,".repeat(2_000_000)}0]}`, "application/json", 400, "too_many_values"],
    ["that hides its depth behind quotes", `{"a\\\\":${"[".repeat(200)}${"]".repeat(200)}}`, "application/json", 400, "too_deep"],
  ];
  test.each(cases)("%s is refused", async (_, body, type, status, code) => {
    const opened = open("Hi");
    const response = await opened.post(chat, body, { headers: { "content-type": type! } });
    expect(await failure(opened, response)).toMatchObject({ status, code, type: "invalid_request_error" });
  });

  test("with brackets inside its strings is not deep", async () => {
    const { json } = open("Hi");
    await json(chat, { messages: [{ role: "user", content: `${'[{\\"'.repeat(1000)}` }] });
  });

  test("as large as declared above the limit is refused without being read", async () => {
    const opened = open("Hi");
    let read = 0;
    const body = new ReadableStream({
      pull(controller) {
        read++;
        controller.enqueue(new Uint8Array(1024));
      },
    });
    const headers = { "content-length": String(50 * 1024 * 1024) };
    const response = await opened.post(chat, "", { headers, body });
    expect(await failure(opened, response)).toMatchObject({ status: 413, code: "body_too_large", message: "The body is larger than 32 MB." });
    expect(read).toBeLessThanOrEqual(1);
  });

  test("that grows above the limit is refused when it does", async () => {
    const opened = open("Hi", { limits: { ...defaultLimits, maxBodyBytes: 1024 * 1024 } });
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 100_000;
        controller.enqueue(new Uint8Array(100_000).fill(32));
      },
    });
    const response = await opened.post(chat, "", { body });
    expect(await failure(opened, response)).toMatchObject({ status: 413, code: "body_too_large" });
    expect(sent).toBeLessThan(2_000_000);
  });

  test("that does not arrive is given up", async () => {
    const opened = open("Hi", { limits: { ...defaultLimits, bodySeconds: 0.02 } });
    const response = await opened.post(chat, "", { body: new ReadableStream({ pull: () => new Promise(() => {}) }) });
    expect(await failure(opened, response)).toMatchObject({ status: 408, code: "body_timeout" });
  });

  test("with a number too large to hold is refused by field", async () => {
    const opened = open("Hi");
    const response = await opened.post(chat, '{"messages":[{"role":"user","content":"x"}],"temperature":1e999}');
    expect(await failure(opened, response)).toMatchObject({ status: 400, param: "temperature", code: "invalid_type" });
  });
});

describe("a request", () => {
  const cases: [what: string, path: string, body: object, expected: object][] = [
    ["for an unknown model", chat, { ...hello, model: "gpt-5" }, { status: 404, code: "model_not_found", param: "model" }],
    ["with a token id outside the vocabulary", completions, { prompt: [5, 4_000_000] }, { status: 400, code: "invalid_token_id", param: "prompt" }],
    ["with a bias for no token", chat, { ...hello, logit_bias: { "4000000": 1 } }, { status: 400, param: "logit_bias.4000000" }],
    ["with a stop id that is no token", chat, { ...hello, stop_token_ids: [4_000_000] }, { status: 400, param: "stop_token_ids[0]" }],
    ["for an empty prompt of ids", completions, { prompt: [[]] }, { status: 400, param: "prompt[0]" }],
  ];
  test.each(cases)("%s is refused", async (_, path, body, expected) => {
    const opened = open("Hi", { engine: { info: { vocabSize: 4096 } } });
    expect(await failure(opened, await opened.post(path, body))).toMatchObject(expected);
  });

  test("longer than the context is refused with both lengths", async () => {
    const opened = open("Hi", { engine: { info: { contextLength: 100 } } });
    const prompt = new Array(150).fill(7);
    const { message, ...rest } = await failure(opened, await opened.post(completions, { prompt, stream: true }));
    expect(rest).toMatchObject({ status: 400, code: "context_length_exceeded", param: "prompt" });
    expect(message).toMatch(/100.*150/);
  });

  test("for an unknown path is 404, for another method 405 with those allowed", async () => {
    const opened = open("Hi");
    expect(await failure(opened, await opened.send("/v1/nothing"))).toMatchObject({ status: 404, code: "route_not_found" });
    const response = await opened.send(chat);
    expect(response.headers.get("allow")).toBe("POST");
    expect(await failure(opened, response)).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect((await opened.send("/v1/models/a/b", { method: "PUT" })).headers.get("allow")).toBe("GET, HEAD");
  });

  test("with an empty prompt text is refused, because nothing could be read", async () => {
    const opened = open("Hi");
    const response = await opened.post(completions, { prompt: "" });
    expect([200, 400]).toContain(response.status); // 200 for models whose texts begin with a token of their own
  });
});

describe("an engine that", () => {
  const cases: [code: FailureCode, status: number, type: string, retry: string | null][] = [
    ["overloaded", 429, "rate_limit_error", "3"],
    ["too_long", 400, "invalid_request_error", null],
    ["memory", 400, "invalid_request_error", null],
    ["pressure", 503, "service_unavailable_error", "3"],
    ["stopping", 503, "service_unavailable_error", "3"],
    ["engine_lost", 503, "service_unavailable_error", "3"],
    ["internal", 500, "server_error", null],
  ];
  const failing = (code: FailureCode) => (_: unknown, index: number) => {
    if (index === 0) throw new EngineError(code, "because", 2.2);
    return say("Hi");
  };

  test.each(cases)("fails with %s before the answer gives status %d", async (code, status, type, retry) => {
    for (const stream of [false, true]) {
      const opened = open(failing(code));
      const response = await opened.post(chat, { ...hello, stream });
      expect(response.headers.get("retry-after")).toBe(retry);
      expect(await failure(opened, response)).toMatchObject({ status, type, message: "because" });
    }
  });

  test("dies inside a stream gives an error frame and the end mark", async () => {
    const opened = open([say("one two", { delay: 5, fail: { code: "engine_lost", message: "the engine process ended" } }), say("Hi")]);
    const all = await frames(await opened.post(chat, { ...hello, stream: true }));
    expect(JSON.parse(all.at(-2)!)).toEqual({
      error: { message: "the engine process ended", type: "service_unavailable_error", param: null, code: "engine_lost" },
      detail: "the engine process ended",
    });
    expect(all.at(-1)).toBe("[DONE]");
    const content = all.slice(0, -2).map(frame => JSON.parse(frame).choices[0].delta.content ?? "");
    expect(content.join("")).toBe("one two");
    await opened.json(chat, hello);
  });

  test("fails one of several choices ends them all", async () => {
    const opened = open([say("one"), { ids: [], fail: { code: "memory", message: "no room" } }, say("a b c d", { delay: 50 })]);
    const response = await opened.post(chat, { ...hello, n: 3 });
    expect(response.status).toBe(400);
    await until(() => opened.engine.running === 0, "the other choices end");
  });

  test.each(["starting", "warming_up", "restarting", "stopping"] as const)("is %s is 503 with a time to come back", async state => {
    const opened = open("Hi", { engine: { state } });
    const response = await opened.post(chat, hello);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    opened.engine.state = "ready";
    expect(await failure(opened, response)).toMatchObject({ code: `engine_${state}` });
  });
});

describe("time", () => {
  test("of an answer that is not streamed is bounded by the server", async () => {
    const opened = open([say("Hi", { hang: true }), say("Hi")], { config: { timeout: 0.03 } });
    const found = await failure(opened, await opened.post(chat, hello));
    expect(found).toMatchObject({ status: 504, type: "timeout_error", code: "timeout", message: "The request took longer than 0.03 seconds." });
    expect([opened.engine.running, opened.engine.aborted]).toEqual([0, 1]);
  });

  test("of any answer is bounded by the client's own timeout", async () => {
    const opened = open([say("Hi", { hang: true }), say("Hi", { hang: true }), say("Hi")]);
    expect((await opened.post(chat, { ...hello, timeout: 0.03 })).status).toBe(504);
    const all = await frames(await opened.post(chat, { ...hello, timeout: 0.05, stream: true }));
    expect(JSON.parse(all.at(-2)!).error).toMatchObject({ code: "timeout" });
    expect(all.at(-1)).toBe("[DONE]");
    expect(opened.engine.running).toBe(0);
  });

  test("of a stream is not bounded by the server", async () => {
    const opened = open(say("a b c d e f", { delay: 15 }), { config: { timeout: 0.03 } });
    expect((await frames(await opened.post(chat, { ...hello, stream: true }))).at(-1)).toBe("[DONE]");
  });
});

describe("what the router refuses by itself", () => {
  test("is told in the same shape, naming the field", async () => {
    const router = new Elysia()
      .onError(({ error }) =>
        toErrorResponse(
          toFailure(error, "req_1", () => {}),
          "/",
          "req_1",
        ),
      )
      .post("/", () => "", { body: t.Object({ size: t.Number() }) });
    const ask = (body: string) =>
      router.handle(new Request("http://localhost/", { method: "POST", body, headers: { "content-type": "application/json" } }));
    const wrong = await ask('{"size":"x"}');
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ error: { type: "invalid_request_error", param: "size", code: "invalid_value" } });
    const broken = await ask("{bad");
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ error: { code: "invalid_body" } });
  });
});

describe("a mistake of the server", () => {
  test("is told with an id, and only the log has its stack", async () => {
    const opened = open(() => {
      throw new TypeError("secret detail");
    });
    const response = await opened.post(chat, hello);
    const body = await response.text();
    expect(response.status).toBe(500);
    expect(body).not.toContain("secret");
    const id = response.headers.get("x-request-id")!;
    expect(body).toContain(id);
    expect(opened.log).toHaveLength(1);
    expect(opened.log[0]).toContain(id);
    expect(opened.log[0]).toContain("TypeError: secret detail\n");
  });

  test("is not what clients' mistakes are: those are not logged", async () => {
    const opened = open("Hi");
    await opened.post(chat, "{bad");
    await opened.send("/v1/nothing");
    expect(opened.log).toEqual([]);
  });
});

test("a path without /v1 is told where it is meant to go", async () => {
  const { send } = open("Hi");
  const message = async (path: string, method = "POST") =>
    ((await (await send(path, { method })).json()) as { error: { message: string } }).error.message;
  expect(await message("/chat/completions")).toBe("POST /chat/completions is not served; did you mean /v1/chat/completions?");
  expect(await message("//models", "GET")).toBe("GET //models is not served; did you mean /v1/models?");
  expect(await message("/chat/completion")).toBe("POST /chat/completion is not served; /swagger lists what is.");
});

describe("a tool that cannot be enforced", () => {
  const good = { type: "function", function: { name: "good", parameters: { type: "object", properties: {} } } };
  const endless = { type: "object", properties: { next: { $ref: "#" } }, required: ["next"] };
  const lark = (definition: string) => ({
    type: "custom",
    custom: { name: "bad", format: { type: "grammar", grammar: { syntax: "lark", definition } } },
  });

  test.each<[object, string]>([
    [{ type: "function", function: { name: "bad", parameters: endless } }, "tools.bad.parameters"],
    [lark("start: missing"), "tools[1].custom.format.grammar.definition"],
    [lark('start: "a" start'), "tools[1].custom.format.grammar.definition"],
  ])("is named where a call is forced, and not the choice", async (tool, param) => {
    const opened = open([say("Hi")]);
    const refused = await failure(opened, await opened.post(chat, { ...hello, tools: [good, tool], tool_choice: "required" }));
    expect(refused).toMatchObject({ status: 400, param, code: "unsupported_schema" });
    expect(refused.message).toStartWith(`'${param}' `);
  });
});

test("a tool's result without its call is no mistake where the template takes it: clients cut long conversations", async () => {
  const { json, engine, service } = open("Hi");
  await json(chat, { messages: [...hello.messages, { role: "tool", tool_call_id: "cut", content: "21 degrees" }] });
  expect(service.tokenizer.decode(engine.sequences[0]!.request.prompt, { skipSpecial: false })).toContain(
    "<tool_response>\n21 degrees\n</tool_response>",
  );
});
