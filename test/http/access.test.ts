// Who may ask at all: host names, origins, keys; and the routes that say what is served.
import { describe, expect, test } from "bun:test";
import { chat, hello, open } from "./open.ts";

describe("the Host header", () => {
  const status = async (host: string, config: object = {}) => (await open("Hi", { config }).send("/health", { headers: { host } })).status;

  test.each(["localhost", "localhost:8000", "LOCALHOST.", "app.localhost:1", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000", "::1"])(
    "%s is this machine",
    async host => expect(await status(host)).toBe(200),
  );

  test.each([
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "192.168.1.5",
    "1.2.3.4:80",
    "[fe80::1]",
    "localhostx",
  ])("%s is not", async host => expect(await status(host)).toBe(403));

  test("may be any address when the server listens on all of them, but no name", async () => {
    const config = { host: "0.0.0.0" };
    expect(await Promise.all(["192.168.1.5:8000", "[fe80::1]:8000", "127.0.0.1"].map(host => status(host, config)))).toEqual([200, 200, 200]);
    expect(await status("evil.example", config)).toBe(403);
  });

  test("may be the bound address, a listed name, or any when all are listed", async () => {
    expect(await status("10.0.0.5:8000", { host: "10.0.0.5" })).toBe(200);
    expect(await status("my-mac.local:8000", { allowedHosts: ["My-Mac.local"] })).toBe(200);
    expect(await status("any.example", { allowedHosts: ["*"] })).toBe(200);
  });

  test("that is refused is told with what to type", async () => {
    const response = await open("Hi").send("/v1/models", { headers: { host: "my-mac.local:8000" } });
    expect(await response.json()).toMatchObject({
      error: { type: "permission_error", code: "host_not_allowed", message: expect.stringContaining("--allowed-hosts my-mac.local") },
    });
  });
});

describe("other origins", () => {
  const corsConfig = { corsOrigins: ["http://ok.example"] };
  const ask = (origin: string, config: object = corsConfig, init: RequestInit = {}) =>
    open("Hi", { config }).send("/v1/models", { ...init, headers: { origin, ...(init.headers as object) } });

  test("get no CORS headers unless they are listed", async () => {
    for (const config of [{}, corsConfig]) {
      const { headers } = await ask("http://evil.example", config);
      expect([...headers.keys()].filter(name => name.startsWith("access-control"))).toEqual([]);
    }
    const { headers } = await ask("http://ok.example");
    expect([headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual(["http://ok.example", "origin"]);
  });

  test("that are listed may preflight, also when a key is needed", async () => {
    const init = {
      method: "OPTIONS",
      headers: { "access-control-request-method": "POST", "access-control-request-headers": "authorization, x-stainless-os" },
    };
    const response = await ask("http://ok.example", { ...corsConfig, apiKey: "k" }, init);
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-methods")).toBe("POST");
    expect(response.headers.get("access-control-allow-headers")).toBe("authorization, x-stainless-os");
    expect((await ask("http://evil.example", corsConfig, init)).status).toBe(405);
  });

  test("get them with failures and streams, too", async () => {
    const { post } = open("Hi", { config: corsConfig });
    const headers = { origin: "http://ok.example" };
    const failed = await post(chat, "{bad", { headers });
    const streamed = await post(chat, { ...hello, stream: true }, { headers });
    await streamed.text();
    expect([failed, streamed].map(response => response.headers.get("access-control-allow-origin"))).toEqual([
      "http://ok.example",
      "http://ok.example",
    ]);
  });
});

describe("the API key", () => {
  const { send } = open("Hi", { config: { apiKey: "secret key" } });
  const status = async (headers: Record<string, string>) => (await send("/v1/models", { headers })).status;

  test.each([
    [{ authorization: "Bearer secret key" }, 200],
    [{ authorization: "bearer   secret key  " }, 200],
    [{ "x-api-key": " secret key " }, 200],
    [{ authorization: "Bearer ", "x-api-key": "secret key" }, 200],
    [{ authorization: "Basic abc", "x-api-key": "secret key" }, 200],
    [{}, 401],
    [{ authorization: "Bearer wrong" }, 401],
    [{ authorization: "Bearer wrong", "x-api-key": "secret key" }, 401],
    [{ authorization: "secret key" }, 401],
    [{ "x-api-key": "secret" }, 401],
  ])("%j gives %d", async (headers, expected) => {
    expect(await status(headers as Record<string, string>)).toBe(expected);
  });

  test("is asked for by header, and never told", async () => {
    const response = await send(chat, { method: "POST" });
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.text()).not.toContain("secret");
  });

  test("is not needed for health and documentation, but for all else, known or not", async () => {
    const status = async (path: string) => (await send(path)).status;
    expect(await Promise.all(["/health", "/swagger", "/swagger/json"].map(status))).toEqual([200, 200, 200]);
    expect(await Promise.all(["/v1/models", "/v1/models/x", "/nothing", "/", "/health/x", "/swaggerx"].map(status))).toEqual([
      401, 401, 401, 401, 401, 401,
    ]);
  });
});

describe("models", () => {
  const openais = { id: "org/mini", object: "model", created: 1_700_000_000, owned_by: "pippin", max_model_len: 4096, context_length: 4096 };
  const anthropics = { type: "model", display_name: "org/mini", created_at: "2023-11-14T22:13:20.000Z", max_input_tokens: 4096 };
  const model = { ...openais, ...anthropics };

  test("are listed and found by id, alias and default", async () => {
    const { send } = open("Hi");
    expect(await (await send("/v1/models")).json()).toEqual({
      object: "list",
      data: [model],
      has_more: false,
      first_id: "org/mini",
      last_id: "org/mini",
    });
    for (const name of ["org%2Fmini", "org/mini", "mini", "default"]) expect(await (await send(`/v1/models/${name}`)).json()).toEqual(model);
  });

  test.each(["gpt-5", "org", "org/mini/x", "%zz", "%00"])("%s is not one of them", async name => {
    const response = await open("Hi").send(`/v1/models/${name}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "model_not_found", param: "model" } });
  });

  test("may be none yet", async () => {
    const { send, json } = open("Hi", { models: () => [] });
    expect(await (await send("/v1/models")).json()).toEqual({ object: "list", data: [], has_more: false, first_id: null, last_id: null });
    expect((await send("/health")).status).toBe(503);
    expect(await json(chat, hello, 404)).toMatchObject({ error: { code: "model_not_found" } });
  });
});

describe("health", () => {
  const body = {
    status: "healthy",
    model_loaded: true,
    model_name: "org/mini",
    model_type: "llm",
    engine_type: "batched",
    engine_state: "ready",
    mcp: null,
    available_models: ["org/mini"],
    version: "1.2.3",
  };

  test("is 200 while requests are served, also without a body", async () => {
    const { send } = open("Hi");
    const response = await send("/health");
    expect([response.status, await response.json()]).toEqual([200, body]);
    expect((await send("/health", { method: "HEAD" })).status).toBe(200);
  });

  test.each(["starting", "restarting", "stopping"] as const)("is 503 while the engine is %s", async state => {
    const response = await open("Hi", { engine: { state } }).send("/health");
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(await response.json()).toEqual({ ...body, status: state, engine_state: state, model_loaded: false });
  });

  test("says what the engine is trying out while it warms up", async () => {
    const warmingUp = { type: "warming-up", doing: "writing one answer", stage: 2, stages: 8 } as const;
    const response = await open("Hi", { engine: { state: "warming_up", warmingUp } }).send("/health");
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    const expected = { status: "warming_up", engine_state: "warming_up", warming_up: { doing: "writing one answer", stage: 2, stages: 8 } };
    expect(await response.json()).toEqual({ ...body, ...expected, model_loaded: false });
  });
});
