// Schemas of published packages, which were chosen without looking at them: nearly all are enforced, and what is not is refused by name.
import { describe, expect, test } from "bun:test";
import { GrammarError } from "../../src/grammar/error.ts";
import { isObject } from "../../src/util/json.ts";
import { dice } from "../helpers/sequences.ts";
import { corpus, suite, validator, type Real } from "./corpus.ts";
import { constrained, recognizer, schemaForm, walk } from "./walk.ts";

/** Why a schema is refused, or undefined. */
function refusal(schema: unknown): string | undefined {
  try {
    constrained(schemaForm(schema));
    return undefined;
  } catch (error) {
    if (error instanceof GrammarError) return `${error.path.at(-1) ?? ""} ${error.message}`;
    throw error;
  }
}

describe("of the corpus", () => {
  const refused = corpus.flatMap(({ source, schema }) => {
    const reason = refusal(schema);
    return reason === undefined ? [] : [[source, reason] as const];
  });

  test("at least 95 of 100 schemas are enforced", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300);
    expect(refused.length).toBeLessThanOrEqual(corpus.length * 0.05);
  });

  test("the others are refused for what they ask for", () => {
    for (const [, reason] of refused) expect(reason).toMatch(/^(\$ref leads out of the schema|uniqueItems can be enforced only)/);
  });

  const sample = corpus.filter((_, i) => i % 8 === 0 && !refused.some(([source]) => source === corpus[i]!.source));
  test.each(sample.map(each => [each.source, each] as const))("%s: what is written is valid", (_, { schema }: Real) => {
    const masks = constrained(schemaForm(schema));
    const wrong = validator(schema);
    const texts = [1, 2, 3].map(seed => walk(masks, seed, 600, 0.4)).filter(({ ended }) => ended);
    expect(texts.length).toBeGreaterThan(0);
    for (const { text } of texts) expect(wrong(JSON.parse(text))).toBeUndefined();
  });
});

test("a schema with anything in the wrong place is enforced or refused, and nothing else", () => {
  const { below, pick, next } = dice(1);
  const odd = [null, 0, -1, 1.5, "", "x", true, false, [], {}, [1], ["a"], { $ref: "#" }, { not: {} }, [{}], { a: 1 }, "(?", { type: "integer" }];
  const names = "not if then else anyOf oneOf allOf items prefixItems contains required propertyNames dependentRequired enum const type".split(" ");
  const spoil = (value: unknown): unknown => {
    if (next() < 0.05) return pick<unknown>(odd);
    if (Array.isArray(value)) return value.map(spoil);
    if (!isObject(value)) return value;
    const made = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, spoil(part)]));
    return next() < 0.2 ? { ...made, [pick(names)]: pick<unknown>(odd) } : made;
  };
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    const schema = spoil(corpus[below(corpus.length)]!.schema);
    try {
      refused += refusal(schema) === undefined ? 0 : 1;
    } catch (error) {
      throw new Error(`${JSON.stringify(schema)}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  expect(refused).toBeGreaterThan(50);
  expect(refused).toBeLessThan(390);
});

test("no value that the official suite calls invalid is ever allowed", () => {
  let [judged, allowed] = [0, 0];
  for (const { file, description, schema, tests } of suite) {
    let recognizes: (text: string) => boolean;
    try {
      recognizes = recognizer(schemaForm(schema));
    } catch (error) {
      if (error instanceof GrammarError) continue;
      throw new Error(`${file}: ${description}: ${String(error)}`);
    }
    for (const [value, valid] of tests) {
      const found = recognizes(JSON.stringify(value));
      if (found && !valid) throw new Error(`${file}: ${description}: ${JSON.stringify(schema)} allows ${JSON.stringify(value)}`);
      judged += 1;
      allowed += found ? 1 : 0;
    }
  }
  expect(judged).toBeGreaterThan(800);
  expect(allowed).toBeGreaterThan(300); // properties in another order, and values without a word about their type, are not written
});
