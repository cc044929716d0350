// Rows that a grammar holds: always valid, whatever the weights, and equal to what they get alone, bit for bit.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Grammar, Submit, Vocabulary } from "../../src/engine/protocol.ts";
import { GrammarCompiler } from "../../src/grammar/compile.ts";
import { readVocabulary } from "../../src/grammar/trie.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { MemoryEngine, mixture, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

const STOP = 0;
const schema = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 6 },
    count: { type: "integer", minimum: 0, maximum: 99 },
    tags: { type: "array", items: { enum: ["a", "bc"] }, minItems: 1, maxItems: 3 },
  },
  required: ["name", "count", "tags"],
  additionalProperties: false,
};

/** The tiny model's ids: an end, the printable characters, and some pieces of several. */
const pieces = ['{"', '": ', '", "', "ab", '"}', "]}", "name", "tag"];
const spelled = (id: number): string => (id <= 95 ? String.fromCharCode(31 + id) : pieces[id % pieces.length]!);
const idOf = (character: string): number => character.charCodeAt(0) - 31;
const textOf = (ids: readonly number[]): string => ids.flatMap(id => (id === STOP ? [] : [spelled(id)])).join("");

let loaded: LoadedModel;
let vocabulary: Vocabulary;
let json: Grammar;
let code: Grammar;

beforeAll(() => {
  openForTests();
  loaded = loadModel(join(import.meta.dir, "../golden/qwen3/float32"));
  vocabulary = readVocabulary({
    vocabSize: loaded.model.vocabSize,
    has: () => true,
    piece: id => ({ bytes: new TextEncoder().encode(spelled(id)) }),
    isAdded: id => id === STOP,
  });
  const compiler = new GrammarCompiler(() => undefined);
  json = compiler.compile({ constraint: { type: "json-schema", field: "f", schema } }, []);
  code = compiler.compile({ constraint: { type: "regex", field: "f", pattern: "[a-f]{3}-\\d{2,4}" } }, []);
});
afterAll(() => loaded.weights.release());

/** Free requests, and as many that are held to one of the grammars. */
function mixed(seed: number, count: number): Submit[] {
  const { next } = dice(seed);
  return mixture(seed, count, loaded.model.vocabSize).map((submit, i) => {
    if (next() < 0.5) return submit;
    const sampling = { ...submit.sampling, temperature: i % 3 === 0 ? 0 : 1, seed: i };
    const { thinking: _, ...rest } = submit; // which writes an ending of its own
    return { ...rest, grammar: i % 2 === 0 ? json : code, stopIds: [STOP], maxTokens: 100, sampling };
  });
}

async function run(all: readonly Submit[], maxRows: number, prefixes?: ReturnType<typeof openPrefixes>): Promise<MemoryEngine> {
  const engine = new MemoryEngine(loaded, { maxRows, prefillChunk: 16 }, prefixes);
  engine.loop.receive(vocabulary);
  const { below } = dice(5);
  for (const submit of all) {
    engine.loop.receive(submit);
    for (let wait = below(4); wait > 0; wait--) await nextTurn();
  }
  await engine.finish();
  return engine;
}

describe("rows held to a grammar", () => {
  test("get what each gets alone, beside free rows that get what they get alone", async () => {
    const all = mixed(1, 24);
    expect(all.filter(submit => submit.grammar).length).toBeGreaterThan(5);
    const together = await run(all, 8, openPrefixes(8));
    for (const submit of all) expect(together.answer(submit.id)).toEqual((await run([submit], 1)).answer(submit.id));
  });

  test.each([false, true])("give their places up to urgent ones and go on where they were; stored prefixes: %p", async stored => {
    const all = mixed(4, 40).map((submit): Submit => ({ ...submit, priority: submit.grammar ? 5 : 0 })); // so that only they give theirs up
    const together = await run(all, 3, stored ? openPrefixes(8) : undefined);
    expect(together.preemptions).toBeGreaterThan(0);
    for (const submit of all) expect(together.answer(submit.id)).toEqual((await run([submit], 1)).answer(submit.id));
  });

  test("end with a stop id behind a text of the grammar, or honestly by length", async () => {
    const all = mixed(2, 40).filter(submit => submit.grammar);
    const engine = await run(all, 8);
    const finishes = all.map(submit => {
      const { ids, finish } = engine.answer(submit.id);
      if (finish === "length") expect(ids.length).toBe(submit.maxTokens);
      else if (submit.grammar === code) expect(textOf(ids)).toMatch(/^[a-f]{3}-\d{2,4}$/);
      else expect(Object.keys(JSON.parse(textOf(ids)) as object)).toEqual(["name", "count", "tags"]);
      return finish;
    });
    expect(finishes.filter(finish => finish === "stop").length).toBeGreaterThan(all.length / 2);
  });

  test("have at max_tokens the beginning of a text that is allowed", async () => {
    const all = [1, 2, 5].map(maxTokens =>
      submission(maxTokens, { grammar: code, stopIds: [STOP], maxTokens, sampling: { ...greedy, temperature: 1, seed: 3 } }),
    );
    const engine = await run(all, 4);
    for (const submit of all) {
      expect(engine.answer(submit.id).finish).toBe("length");
      expect(`${textOf(engine.answer(submit.id).ids)}aaa-00`.slice(0, 6)).toMatch(/^[a-f]{3}-|^[a-f]{1,3}a/);
    }
  });

  test("end before min_tokens where nothing else is left", async () => {
    const engine = await run([submission(1, { grammar: code, stopIds: [STOP], maxTokens: 60, minTokens: 50 })], 1);
    expect(engine.answer(1).finish).toBe("stop");
    expect(textOf(engine.answer(1).ids)).toMatch(/^[a-f]{3}-\d{4}$/);
  });

  test("are not led out of it by bias and penalties", async () => {
    const logitBias = [[idOf("x"), 100] as const, [idOf("a"), -100] as const];
    const engine = await run(
      [submission(1, { grammar: code, stopIds: [STOP], maxTokens: 60, sampling: { ...greedy, logitBias, frequencyPenalty: 2 }, logprobs: 5 })],
      1,
    );
    expect(textOf(engine.answer(1).ids)).toMatch(/^[a-f]{3}-\d{2,4}$/);
  });

  test("fail with a reason where the vocabulary has no way on, and the others go on", async () => {
    const odd = new GrammarCompiler(() => undefined).compile({ constraint: { type: "choice", field: "f", choices: ["aéz"] } }, []);
    const all = [
      submission(1, { grammar: odd, stopIds: [STOP], maxTokens: 9 }),
      submission(2, { maxTokens: 9 }),
      submission(3, { grammar: code, stopIds: [STOP], maxTokens: 40 }),
    ];
    const engine = await run(all, 4);
    expect(engine.sent.find(message => message.type === "failed")).toMatchObject({ id: 1, code: "constraint" });
    expect(engine.answer(2).ids.length).toBe(9);
    expect(engine.answer(3).finish).toBe("stop");
  });

  test("leave no handle behind, also when they are aborted", async () => {
    const before = mx.liveHandles();
    const engine = new MemoryEngine(loaded, { maxRows: 4, prefillChunk: 16 });
    engine.loop.receive(vocabulary);
    for (const submit of mixed(3, 16)) {
      engine.loop.receive(submit);
      await nextTurn();
      if (submit.id % 2 === 0) engine.loop.receive({ type: "abort", id: submit.id });
    }
    await engine.finish();
    expect(mx.liveHandles()).toBe(before);
  });
});
