// POST /v1/rerank and /v1/score over a scripted engine that finds longer pairs more relevant.
import { describe, expect, test } from "bun:test";
import { encoderFolder, openEncoders } from "./encoders.ts";
import { ids } from "./open.ts";

const error = async (response: Response) => ({ status: response.status, ...((await response.json()) as any).error });
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const query = "which";
const documents = ["one", { text: "one two three four" }, "one two"];
const texts = documents.map(document => (typeof document === "string" ? document : document.text));
const lengths = texts.map(text => ids(query).length + ids(text).length); // the tokenizer has no special tokens for pairs

describe("rerank", () => {
  test("sorts documents by their scores between 0 and 1", async () => {
    const { json, ranker } = openEncoders();
    const answer = await json("/v1/rerank", { query, documents });
    expect(answer).toEqual({
      id: expect.stringMatching(/^rerank-/),
      model: "org/encoder",
      results: [1, 2, 0].map(index => ({
        index,
        relevance_score: expect.closeTo(sigmoid(lengths[index]! / 10 - 1), 6),
        document: { text: texts[index]! },
      })),
      usage: { prompt_tokens: lengths.reduce((a, b) => a + b), total_tokens: lengths.reduce((a, b) => a + b) },
    });
    expect(ranker.asked.length).toBe(1);
    expect([...ranker.asked[0]![0]!.ids]).toEqual([...ids(query), ...ids("one")]);
  });

  test.each(["/rerank", "/v1/rerank", "/v2/rerank"])("answers under %s", async path => {
    const { json } = openEncoders();
    expect((await json(path, { query, documents })).results.length).toBe(3);
  });

  test("hands the priority on, as scores and embeddings do", async () => {
    const { json, ranker, encoder } = openEncoders();
    await json("/v1/rerank", { query, documents, priority: 3 });
    await json("/v1/score", { text_1: query, text_2: "one", priority: -2 });
    await json("/v1/score", { text_1: query, text_2: "one" });
    await json("/v1/embeddings", { input: "one", priority: 7 });
    expect([ranker.priorities, encoder.priorities]).toEqual([[3, -2, undefined], [7]]);
  });

  test("gives the best and leaves documents out where that is asked for", async () => {
    const { json } = openEncoders();
    const { results } = await json("/v1/rerank", { query, documents, top_n: 2, return_documents: false });
    expect(results.map((result: object) => Object.keys(result))).toEqual([
      ["index", "relevance_score"],
      ["index", "relevance_score"],
    ]);
    expect(results.map(({ index }: any) => index)).toEqual([1, 2]);
  });

  test("keeps the order of documents with equal scores", async () => {
    const { json } = openEncoders({ vector: () => [0.5] });
    expect((await json("/v1/rerank", { query, documents })).results.map(({ index }: any) => index)).toEqual([0, 1, 2]);
  });

  test("reads so many tokens of a document, or of a pair, as the request says", async () => {
    const { json, ranker } = openEncoders();
    await json("/v1/rerank", { query, documents, max_tokens_per_doc: 1 });
    await json("/v1/rerank", { query, documents, truncate_prompt_tokens: 2 });
    expect(ranker.asked[0]!.map(text => text.ids.length)).toEqual([1, 1, 1].map(length => ids(query).length + length));
    expect(ranker.asked[1]!.map(text => text.ids.length)).toEqual([2, 2, 2]);
  });

  test("cuts pairs that are too long, or refuses them by both lengths", async () => {
    const long = "one ".repeat(90);
    const cut = openEncoders();
    const response = await cut.post("/v1/rerank", { query, documents: ["one", long] });
    expect(response.headers.get("x-pippin-truncated")).toBe("1");
    expect(cut.ranker.asked[0]![1]!.ids.length).toBe(40);
    const { post } = openEncoders({ overflow: "error" });
    expect(await error(await post("/v1/rerank", { query, documents: ["one", long] }))).toMatchObject({
      status: 400,
      param: "documents[1]",
      message: `'documents[1]' has ${ids(query).length + ids(long).length} tokens; this model takes 40.`,
    });
  });

  test.each<[object, string, string]>([
    [{ query, documents: [] }, "documents", "invalid_value"],
    [{ query: "", documents }, "query", "invalid_value"],
    [{ query }, "documents", "missing_required_parameter"],
    [{ documents }, "query", "missing_required_parameter"],
    [{ query, documents: ["a", ""] }, "documents[1]", "invalid_value"],
    [{ query, documents: ["a", { title: "b" }] }, "documents[1].text", "missing_required_parameter"],
    [{ query, documents: ["a", 5] }, "documents[1]", "invalid_type"],
    [{ query, documents: "a" }, "documents", "invalid_type"],
    [{ query, documents, top_n: 4 }, "top_n", "invalid_value"],
    [{ query, documents, top_n: 0 }, "top_n", "invalid_value"],
    [{ query, documents, rank_fields: ["title"] }, "rank_fields", "unsupported_parameter"],
    [{ query, documents, max_tokens_per_doc: 0 }, "max_tokens_per_doc", "invalid_value"],
    [{ query, documents, model: "other" }, "model", "model_locked"],
    [{ query, documents: Array(2049).fill("a") }, "documents", "invalid_value"],
  ])("%j is a 400 that names %s", async (body, param, code) => {
    const { post, ranker } = openEncoders();
    expect(await error(await post("/v1/rerank", body))).toMatchObject({ status: 400, param, code });
    expect(ranker.asked).toEqual([]);
  });
});

describe("score", () => {
  test("compares one text with several, in their order", async () => {
    const { json } = openEncoders();
    expect(await json("/v1/score", { text_1: query, text_2: texts })).toEqual({
      id: expect.stringMatching(/^score-/),
      object: "list",
      created: expect.any(Number),
      model: "org/encoder",
      data: lengths.map((length, index) => ({ index, object: "score", score: expect.closeTo(sigmoid(length / 10 - 1), 6) })),
      usage: { prompt_tokens: lengths.reduce((a, b) => a + b), completion_tokens: 0, total_tokens: lengths.reduce((a, b) => a + b) },
    });
  });

  test("compares lists side by side, and takes vLLM's newer names", async () => {
    const { json, ranker } = openEncoders();
    await json("/score", { queries: ["one", "two"], documents: ["three", "four"] });
    expect(ranker.asked[0]!.map(text => [...text.ids])).toEqual([
      [...ids("one"), ...ids("three")],
      [...ids("two"), ...ids("four")],
    ]);
  });

  test.each<[object, string, string]>([
    [{ text_2: "a" }, "text_1", "missing_required_parameter"],
    [{ text_1: "a" }, "text_2", "missing_required_parameter"],
    [{ text_1: ["a", "b"], text_2: ["a", "b", "c"] }, "text_1", "invalid_value"],
    [{ text_1: ["a", "b"], text_2: "a" }, "text_1", "invalid_value"],
    [{ text_1: [], text_2: "a" }, "text_1", "invalid_value"],
    [{ text_1: "a", queries: "a", text_2: "b" }, "queries", "invalid_value"],
    [{ text_1: "a", text_2: "" }, "text_2", "invalid_value"],
  ])("%j is a 400 that names %s", async (body, param, code) => {
    const { post } = openEncoders();
    expect(await error(await post("/v1/score", body))).toMatchObject({ status: 400, param, code });
  });
});

test("a reranking decoder is asked the question that it was trained on, query and document in one text", async () => {
  const { json, ranker } = openEncoders({ folder: encoderFolder({ "config.json": { model_type: "qwen3" } }), info: { maxLength: 4096 } });
  await json("/v1/rerank", { query, documents: ["one"] });
  const question = `<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n<Query>: ${query}\n<Document>: one`;
  const asked = [...ranker.asked[0]![0]!.ids].join(",");
  expect(asked).toContain(ids(question).join(","));
});
