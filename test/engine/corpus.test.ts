// A model with random weights under schemas of published packages. `bun bench/schemas.ts` asks for all of them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { corpus, validator } from "../grammar/corpus.ts";
import { corpusAnswers } from "../helpers/corpus-answers.ts";
import { tokenizer } from "../grammar/walk.ts";
import { openRandomModel } from "../helpers/random-model.ts";
import { openForTests } from "../helpers/mx.ts";
import * as mx from "../../src/mx/index.ts";

let model: ReturnType<typeof openRandomModel>;
let handles = 0;
beforeAll(() => {
  openForTests();
  handles = mx.liveHandles();
  model = openRandomModel(undefined, tokenizer.vocabSize);
});
afterAll(() => {
  model.close();
  expect(mx.liveHandles()).toBe(handles);
});

test("every answer that ends is valid, and nearly all end", async () => {
  const answers = await corpusAnswers(
    model,
    corpus.filter((_, i) => i % 10 === 3),
    1,
  );
  expect(answers.length).toBeGreaterThan(25);
  const ended = answers.filter(({ finish }) => finish === "stop");
  expect(ended.length).toBeGreaterThan(answers.length * 0.8);
  for (const { source, schema, text } of ended) {
    const reason = validator(schema)(JSON.parse(text));
    if (reason !== undefined) throw new Error(`${source}: ${text}: ${reason}`);
  }
  for (const { finish } of answers) expect(["stop", "length"]).toContain(finish!);
});
