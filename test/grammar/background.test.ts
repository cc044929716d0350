// Grammars are made in a Worker where they take long, and are the same as those made in place.
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { AnswerForm } from "../../src/grammar/answer.ts";
import { GrammarBackground, type BackgroundOptions } from "../../src/grammar/background.ts";
import { GrammarCompiler } from "../../src/grammar/compile.ts";
import { GrammarError } from "../../src/grammar/error.ts";
import { toolFormats } from "../../src/parsers/registry.ts";
import { root } from "../helpers/imports.ts";
import { schemaForm, tokenizer, vocabulary } from "./walk.ts";

const workerUrl = new URL("../../src/grammar/worker.ts", import.meta.url);
const folder = join(root, "mini/checkpoint");
const hermes = toolFormats.find(format => format.name === "hermes")!;
const opened: GrammarBackground[] = [];
afterEach(() => opened.splice(0).forEach(each => each.close()));

function open(options: Partial<BackgroundOptions> = {}): GrammarBackground {
  const made = new GrammarBackground({ tokenizer, folder, workerUrl, ...options });
  opened.push(made);
  return made;
}

const failure = (made: Promise<unknown>): Promise<unknown> =>
  made.then(
    () => undefined,
    (error: unknown) => error,
  );
const properties = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`name ${i}`, { type: "string", maxLength: i }]));
const large: AnswerForm = { constraint: schemaForm({ type: "object", properties: properties(100) }) };
const small: AnswerForm = { constraint: schemaForm({ type: "boolean" }) };
const hostile: AnswerForm = { constraint: { type: "regex", field: "f", pattern: "(a|b)*a(a|b){40}" } };
const calls: AnswerForm = {
  calls: { format: "hermes", syntax: hermes.syntax, required: true, most: 2, tools: [{ name: "tool", parameters: { properties: properties(100) } }] },
};

describe("grammars in the background", () => {
  test.each([
    ["small", small],
    ["large", large],
    ["of calls", calls],
  ])("%s ones are those made in place", async (_, form) => {
    const expected = new GrammarCompiler(text => tokenizer.addedId(text)).compile(form, hermes.markers);
    const background = open();
    const [grammar, again] = await Promise.all([background.compile(form, hermes.markers), background.compile(form, hermes.markers)]);
    expect(grammar).toEqual(expected);
    expect(again).toBe(grammar);
    expect(await background.compile(form, hermes.markers)).toBe(grammar);
    expect(background.vocabulary).toEqual(vocabulary);
  });

  test("refuse by name like those made in place, also what takes long to refuse", async () => {
    const background = open();
    const wrong = { constraint: schemaForm({ type: "object", properties: { ...properties(100), last: { $dynamicRef: "#a" } } }) };
    const error = await failure(background.compile(wrong, []));
    expect(error).toBeInstanceOf(GrammarError);
    expect((error as GrammarError).path).toEqual(["properties", "last", "$dynamicRef"]);
    expect(String(await failure(background.compile(hostile, [])))).toContain("too large or too complex");
  });

  test("that take too long end their Worker, and the next one has another", async () => {
    const background = open({ patience: 0 });
    for (const error of await Promise.all([large, hostile].map(form => failure(background.compile(form, []))))) {
      expect(error).toBeInstanceOf(GrammarError);
      expect((error as Error).message).toContain("takes too long");
    }
    expect((await background.compile(small, [])).automaton.tokens.length).toBe(0);
  });

  test("fail when they are closed meanwhile or their Worker cannot start", async () => {
    const closed = open();
    const waiting = closed.compile(large, []);
    closed.close();
    await expect(waiting).rejects.toThrow("stopping");
    await expect(open({ workerUrl: new URL("./no-such-worker.ts", import.meta.url) }).compile(large, [])).rejects.toThrow(
      "Worker for grammars failed",
    );
  });
});

test("a form that is too long is refused before anything is made of it", async () => {
  const schema = { enum: Array.from({ length: 100_000 }, (_, i) => `value ${i}`) };
  const refused = await failure(open().compile({ constraint: schemaForm(schema) }, []));
  expect(refused).toBeInstanceOf(GrammarError);
  expect((refused as GrammarError).message).toMatch(/^is too large to be enforced: \d+ characters, more than 500000$/);
});
