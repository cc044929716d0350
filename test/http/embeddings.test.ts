// POST /v1/embeddings over a scripted engine: wire shapes, lengths, prompts, which model answers, and bad input.
import { describe, expect, test } from "bun:test";
import { embeddingFields } from "../../src/api/openai/embeddings.ts";
import { EngineError } from "../../src/engine/error.ts";
import { encoderFolder, openEncoders } from "./encoders.ts";
import { until } from "../helpers/until.ts";
import { ids, open } from "./open.ts";

const path = "/v1/embeddings";
const error = async (response: Response) => ({ status: response.status, ...((await response.json()) as any).error });

describe("an answer", () => {
  test("has one entry per text, the model's id and the tokens that were read", async () => {
    const { json, encoder } = openEncoders();
    const [one, two] = [ids("one"), ids("and two")];
    expect(await json(path, { model: "org/encoder", input: ["one", "and two"] })).toEqual({
      object: "list",
      data: [
        { object: "embedding", index: 0, embedding: [one.length, one[0], one.at(-1)] },
        { object: "embedding", index: 1, embedding: [two.length, two[0], two.at(-1)] },
      ],
      model: "org/encoder",
      usage: { prompt_tokens: one.length + two.length, total_tokens: one.length + two.length },
    });
    expect(encoder.asked.length).toBe(1);
  });

  test("is the same for a text, a list of it, and its token ids", async () => {
    const { json } = openEncoders();
    const inputs = ["one more", ["one more"], ids("one more"), [ids("one more")]];
    const answers = await Promise.all(inputs.map(input => json(path, { input })));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test("in base64 holds the same numbers as little-endian float32", async () => {
    const { json } = openEncoders({ vector: () => [0.1, -2.5, 1e-7] });
    const { data } = await json(path, { input: "x", encoding_format: "base64" });
    const bytes = Buffer.from(data[0].embedding, "base64");
    expect([0, 4, 8].map(at => bytes.readFloatLE(at))).toEqual([0.1, -2.5, 1e-7].map(Math.fround));
    const plain = await json(path, { input: "x", encoding_format: "float" });
    expect(plain.data[0].embedding).toEqual([0.1, -2.5, 1e-7].map(Math.fround));
  });

  test("with dimensions has the first numbers, at length 1", async () => {
    const { json } = openEncoders({ vector: () => [3, 4, 12] });
    const embedding = async (dimensions: number) => (await json(path, { input: "x", dimensions })).data[0].embedding;
    expect((await embedding(2)).map((x: number) => x.toFixed(6))).toEqual(["0.600000", "0.800000"]);
    expect(Math.hypot(...(await embedding(3)))).toBeCloseTo(1, 6);
  });

  test("is the same for null fields, and names fields that nobody knows in a header", async () => {
    const { post } = openEncoders();
    const response = await post(path, { input: "x", model: null, dimensions: null, encoding_format: null, user: "me", input_type: "query" });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-pippin-ignored")).toBe("input_type");
  });
});

describe("a prompt of the checkpoint", () => {
  const folder = encoderFolder({
    "config_sentence_transformers.json": { prompts: { query: "find: ", document: "" }, default_prompt_name: "query" },
  });

  test("goes before each text, the default one without a name", async () => {
    const { json, encoder } = openEncoders({ folder });
    for (const prompt_name of ["query", "document", undefined]) await json(path, { input: "cats", prompt_name });
    expect(encoder.asked.map(([text]) => [...text!.ids])).toEqual([ids("find: cats"), ids("cats"), ids("find: cats")]);
  });

  test("that is not there is refused with those that are", async () => {
    const { post } = openEncoders({ folder });
    expect(await error(await post(path, { input: "x", prompt_name: "code" }))).toMatchObject({
      status: 400,
      param: "prompt_name",
      message: expect.stringContaining("query, document"),
    });
  });

  test("does not touch token ids", async () => {
    const { json, encoder } = openEncoders({ folder });
    await json(path, { input: [5, 6] });
    expect([...encoder.asked[0]![0]!.ids]).toEqual([5, 6]);
  });
});

describe("a text that is too long", () => {
  const long = "one ".repeat(60);

  test("is cut and counted in a header under truncate", async () => {
    const { post, encoder } = openEncoders({ maxLength: 8 });
    const response = await post(path, { input: ["one", long, long] });
    expect(response.headers.get("x-pippin-truncated")).toBe("2");
    expect(encoder.asked[0]!.map(text => text.ids.length).slice(1)).toEqual([8, 8]);
    expect(((await response.json()) as any).usage.prompt_tokens).toBe(ids("one").length + 16);
    await post(path, { input: Array<number>(9).fill(5) });
    expect(encoder.asked[1]![0]!.ids.length).toBe(8);
  });

  test("is refused with both lengths and its place under error", async () => {
    const { post, encoder } = openEncoders({ maxLength: 8, overflow: "error" });
    const length = ids(long).length;
    for (const [input, param] of [
      [long, "input"],
      [["one", long], "input[1]"],
    ])
      expect(await error(await post(path, { input }))).toMatchObject({
        status: 400,
        code: "input_too_long",
        param,
        message: `'${param}' has ${length} tokens; this model takes 8.`,
      });
    expect(encoder.asked).toEqual([]);
  });

  test("is never longer than the model takes, whatever the settings say", async () => {
    const { json, encoder } = openEncoders({ maxLength: 1000 });
    await json(path, { input: long });
    expect(encoder.asked[0]![0]!.ids.length).toBe(40);
  });
});

describe("the model", () => {
  test.each([undefined, "default", "org/encoder", "/models/encoder"])("%p is the one that the server was started with", async model => {
    const { json } = openEncoders();
    expect((await json(path, { input: "x", model })).model).toBe("org/encoder");
  });

  test("another than that is refused by the flag's name", async () => {
    const { post } = openEncoders();
    expect(await error(await post(path, { input: "x", model: "text-embedding-3-small" }))).toMatchObject({
      status: 400,
      code: "model_locked",
      param: "model",
      message: expect.stringMatching(/--embedding-model org\/encoder.*'text-embedding-3-small'/),
    });
  });

  test.each([
    [path, "--embedding-model", { input: "x" }],
    ["/v1/rerank", "--rerank-model", { query: "x", documents: ["x"] }],
    ["/v1/score", "--rerank-model", { text_1: "x", text_2: "x" }],
  ])("of %s is missing, and the answer names %s", async (route, flag, body) => {
    const { post } = open("Hi");
    for (const model of [undefined, "org/mini"]) {
      const expected = { status: 404, code: "model_not_found", param: "model", message: expect.stringContaining(flag) };
      expect(await error(await post(route, { ...body, model }))).toMatchObject(expected);
    }
  });

  test("stands in the list of models with its length", async () => {
    const { send } = openEncoders();
    const { data } = (await (await send("/v1/models")).json()) as any;
    expect(data.map(({ id, max_model_len }: any) => [id, max_model_len])).toEqual([
      ["org/mini", 4096],
      ["org/encoder", 40],
      ["org/encoder", 40],
    ]);
    expect(((await (await send("/v1/models/org/encoder")).json()) as any).max_model_len).toBe(40);
  });
});

describe("a request that cannot be served", () => {
  test.each<[unknown, string, string]>([
    [{}, "input", "missing_required_parameter"],
    [{ input: "" }, "input", "invalid_value"],
    [{ input: [] }, "input", "invalid_value"],
    [{ input: ["a", ""] }, "input[1]", "invalid_value"],
    [{ input: [[]] }, "input[0]", "invalid_value"],
    [{ input: ["a", 5] }, "input[1]", "invalid_type"],
    [{ input: [1.5] }, "input[0]", "invalid_type"],
    [{ input: [-1] }, "input[0]", "invalid_value"],
    [{ input: 5 }, "input", "invalid_type"],
    [{ input: { text: "a" } }, "input", "invalid_type"],
    [{ input: [5000] }, "input", "invalid_token_id"],
    [{ input: [[1], [2, 5000]] }, "input[1]", "invalid_token_id"],
    [{ input: Array(2049).fill("a") }, "input", "invalid_value"],
    [{ input: "a", encoding_format: "int8" }, "encoding_format", "invalid_value"],
    [{ input: "a", dimensions: 0 }, "dimensions", "invalid_value"],
    [{ input: "a", dimensions: 4 }, "dimensions", "invalid_value"],
    [{ input: "a", dimensions: 1.5 }, "dimensions", "invalid_type"],
    [{ input: "a", model: 5 }, "model", "invalid_type"],
    [{ input: "a", prompt_name: "query" }, "prompt_name", "invalid_value"],
    [{ input: "a", timeout: 0 }, "timeout", "invalid_value"],
  ])("%j is a 400 that names %s", async (body, param, code) => {
    const { post, encoder } = openEncoders();
    expect(await error(await post(path, body))).toMatchObject({ status: 400, param, code, type: "invalid_request_error" });
    expect(encoder.asked).toEqual([]);
  });

  test("is told apart by what was wrong with its body", async () => {
    const { post } = openEncoders();
    for (const body of ['{"input":NaN}', '{"input":', "[]", "null"]) expect((await post(path, body)).status).toBe(400);
  });

  test("shows 2,048 inputs as one request", async () => {
    const { json, encoder } = openEncoders();
    expect((await json(path, { input: Array(2048).fill("a") })).data.length).toBe(2048);
    expect(encoder.asked.length).toBe(1);
  });

  test.each([
    ["overloaded", 429],
    ["engine_lost", 503],
    ["stopping", 503],
    ["internal", 500],
  ] as const)("by an engine that says %s has status %i", async (code, status) => {
    const { post } = openEncoders({ fails: new EngineError(code, "because") });
    const response = await post(path, { input: "a" });
    expect(response.headers.has("retry-after")).toBe(status === 429 || status === 503);
    expect(await error(response)).toMatchObject({ status, message: "because" });
  });

  test("by an engine that restarts is a 503", async () => {
    const { post, encoder } = openEncoders();
    encoder.state = "restarting";
    const response = await post(path, { input: "a" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
  });
});

describe("a request that nobody waits for", () => {
  test("is aborted when its client leaves", async () => {
    const { post, encoder } = openEncoders({ hangs: true });
    const client = new AbortController();
    const response = post(path, { input: "a" }, { signal: client.signal });
    await until(() => encoder.asked.length === 1, "the engine was asked");
    client.abort();
    await until(() => encoder.aborted === 1, "the work was aborted");
    await response.catch(() => {});
  });

  test("is aborted after its timeout", async () => {
    const { post, encoder } = openEncoders({ hangs: true });
    expect((await post(path, { input: "a", timeout: 0.02 })).status).toBe(504);
    await until(() => encoder.aborted === 1, "the work was aborted");
  });
});

test("the table of fields has every field that OpenAI documents", () => {
  expect(Object.keys(embeddingFields).slice(0, 5).sort()).toEqual(["dimensions", "encoding_format", "input", "model", "user"]);
  expect(Object.values(embeddingFields).map(({ fate }) => fate)).not.toContain("refused");
});
