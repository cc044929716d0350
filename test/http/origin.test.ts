// Whose a request is, and what it may wish for.
import { describe, expect, test } from "bun:test";
import { isTrusted, notePeer, type TrustRules } from "../../src/http/origin.ts";
import { chat, completions, frames, hello, open, say } from "./open.ts";

const RULES: TrustRules = { host: "127.0.0.1", apiKey: undefined, repetitionPolicy: "safe", trustRequestsWhenAuthDisabled: false };

function from(address: string | undefined, port = 1): Request {
  const request = new Request("http://localhost/");
  notePeer(request, address === undefined ? null : { address, port });
  return request;
}

describe("a request is trusted", () => {
  const cases: [rules: Partial<TrustRules>, peer: string, trusted: boolean][] = [
    [{ apiKey: "k", host: "0.0.0.0" }, "10.0.0.9", true],
    [{}, "127.0.0.1", true],
    [{}, "::1", true],
    [{}, "::ffff:127.0.0.1", true],
    [{}, "10.0.0.9", false],
    [{}, "127.evil.example", false],
    [{ host: "localhost" }, "127.0.0.1", true],
    [{ host: "0.0.0.0" }, "127.0.0.1", false],
    [{ host: "0.0.0.0" }, "10.0.0.9", false],
    [{ host: "0.0.0.0", trustRequestsWhenAuthDisabled: true }, "10.0.0.9", true],
  ];
  test.each(cases)("with %j from %s: %p", (rules, peer, trusted) => {
    expect(isTrusted(from(peer), { ...RULES, ...rules })).toBe(trusted);
  });
});

describe("the repetition policy of a request", () => {
  const policy = async (config: Partial<TrustRules>, body: object): Promise<unknown> => {
    const opened = open("Hi", { config });
    await opened.json(chat, { ...hello, ...body });
    return opened.engine.sequences[0]!.request.repetition;
  };

  test("is the server's, the client's where it is trusted, and none where the answer must not be cut", async () => {
    expect(await policy({}, {})).toBe("safe");
    expect(await policy({ repetitionPolicy: "off" }, {})).toBe("off");
    expect(await policy({}, { repetition_policy_override: "strict" })).toBe("strict");
    expect(await policy({ host: "0.0.0.0" }, { repetition_policy_override: "strict" })).toBe("safe");
    expect(await policy({}, { ignore_eos: true, max_tokens: 3 })).toBe("off");
    expect(await policy({}, { ignore_eos: true, max_tokens: 3, repetition_policy_override: "strict" })).toBe("strict");
  });

  test("that is none is refused by name", async () => {
    const response = await open("Hi").post(chat, { ...hello, repetition_policy_override: "loose" });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { param: string } }).error.param).toBe("repetition_policy_override");
  });

  test("shows in the answer when it ended it: stop, why, and what was repeated; the last token is text", async () => {
    const script = { ...say("no no no no"), repetition: "single_token_run" };
    const whole = await open([script]).json(chat, hello);
    expect(whole.choices[0]).toMatchObject({ finish_reason: "stop", stop_reason: "repetition_detected", stop_reason_detail: "single_token_run" });
    expect(whole.choices[0].message.content).toBe("no no no no");
    const streamed = await frames(await open([script]).post(chat, { ...hello, stream: true }));
    const last = JSON.parse(streamed.at(-2)!).choices[0];
    expect(last).toMatchObject({ finish_reason: "stop", stop_reason: "repetition_detected", stop_reason_detail: "single_token_run" });
    const plain = await open([script]).json(completions, { prompt: "x" });
    expect(plain.choices[0]).toMatchObject({ text: "no no no no", stop_reason: "repetition_detected", stop_reason_detail: "single_token_run" });
    const usual = await open("Hi").json(chat, hello);
    expect(usual.choices[0]).toMatchObject({ finish_reason: "stop", stop_reason: null });
  });
});

describe("the client of a request", () => {
  const client = async (init: { user?: string; key?: string; apiKey?: string }): Promise<unknown> => {
    const opened = open("Hi", { config: { apiKey: init.apiKey } });
    const headers: Record<string, string> = init.key === undefined ? {} : { authorization: `Bearer ${init.key}` };
    await opened.post(chat, { ...hello, ...(init.user !== undefined && { user: init.user }) }, { headers });
    return opened.engine.sequences[0]!.request.client;
  };

  test("is its user, else the key it sends, else its connection", async () => {
    expect(await client({ user: "ann", key: "k" })).toBe("user ann");
    const [one, same, other] = [await client({ key: "k" }), await client({ key: "k" }), await client({ key: "l" })];
    expect(one).toBe(same as string);
    expect(one).not.toBe(other as string);
    expect(one).toStartWith("key ");
    expect(await client({})).toBe("");
    expect(await client({ key: "the only one", apiKey: "the only one" })).toBe("");
  });

  test("comes with its priority", async () => {
    const opened = open("Hi");
    await opened.json(chat, { ...hello, priority: -3 });
    expect(opened.engine.sequences[0]!.request.priority).toBe(-3);
  });
});
