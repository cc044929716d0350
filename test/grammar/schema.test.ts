// Whatever a model writes under a schema is valid: held against an independent validator.
import { describe, expect, test } from "bun:test";
import { GrammarError } from "../../src/grammar/error.ts";
import { combined } from "./combined.ts";
import { validator } from "./corpus.ts";
import { makeSchema, refused, written } from "./schemas.ts";
import { allows, constrained, schemaForm, walk } from "./walk.ts";

/** Walks until `times` texts have ended; all of them must be valid. */
function expectValid(schema: unknown, times: number, seed: number): void {
  const masks = constrained(schemaForm(schema));
  const wrong = validator(schema);
  let ended = 0;
  for (let i = 0; i < times; i++) {
    const { text, ended: complete } = walk(masks, seed + i);
    if (!complete) continue;
    ended += 1;
    const reason = wrong(JSON.parse(text));
    if (reason !== undefined) throw new Error(`${text} is not valid: ${reason}`);
  }
  expect(ended).toBeGreaterThan(times / 3);
}

describe("what is written under a schema is valid", () => {
  test.each(Object.keys(written))("%s", name => expectValid(written[name], 20, 1));

  test("120 schemas of nested parts", () => {
    for (let seed = 0; seed < 120; seed++) {
      try {
        expectValid(makeSchema(seed), 4, seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${JSON.stringify(makeSchema(seed))}: ${String(error)}`);
      }
    }
  });
});

test("300 schemas that combine schemas in all ways", () => {
  let ended = 0;
  for (let seed = 0; seed < 300; seed++) {
    const schema = combined(seed);
    try {
      const masks = constrained(schemaForm(schema));
      const wrong = validator(schema);
      for (const walked of [1, 2].map(more => walk(masks, seed + more, 300, 0.5)).filter(each => each.ended)) {
        const reason = wrong(JSON.parse(walked.text));
        if (reason !== undefined) throw new Error(`${walked.text}: ${reason}`);
        ended += 1;
      }
    } catch (error) {
      if (!(error instanceof GrammarError)) throw new Error(`seed ${seed}: ${JSON.stringify(schema)}: ${String(error)}`);
    }
  }
  expect(ended).toBeGreaterThan(200);
});

describe("a schema allows", () => {
  test.each([
    [written["object"], '{"a":1,"b":true}', true],
    [written["object"], '{ "a": -12, "b": false }', true],
    [written["object"], '{\n  "a": 1,\n  "b": true\n}', true],
    [written["object"], '{"b":true,"a":1}', false], // in the schema's order only
    [written["object"], '{"a":1}', false],
    [written["object"], '{"a":01,"b":true}', false],
    [written["objectOptional"], '{"b":2}', true],
    [written["objectOptional"], "{}", true],
    [written["objectOptional"], '{"b":2,}', false],
    [written["objectFurther"], '{"a":"x","b":1}', true],
    [written["objectFurther"], '{"a":"x","a":1}', false],
    [written["string"], '"\\u00e9\\ud83d\\ude00 \\/ é😀"', true],
    [written["string"], '"\\ud83d"', false],
    [written["string"], '"a\nb"', false],
    [written["number"], "-0.5e+10", true],
    [written["number"], "1.", false],
    [written["numberBounds"], "2.25", true],
    [written["numberBounds"], "2.26", false],
    [written["numberBounds"], "-1.5", true],
    [written["integerBounds"], "243", true],
    [written["integerBounds"], "244", false],
    [written["integerBounds"], "-17", true],
    [written["multiple"], "994", true],
    [written["multiple"], "995", false],
    [written["date"], '"2024-02-29"', true],
    [written["date"], '"2023-02-29"', false],
    [written["date"], '"1900-02-29"', false],
    [written["patternHalfAnchored"], '"axx"', true],
    [written["patternHalfAnchored"], '"xxb"', true],
    [written["patternHalfAnchored"], '"xax"', false],
    [written["arrayBounds"], "[1]", false],
    [written["arrayBounds"], "[1, 2,3 ,4]", false], // no blank space before a comma
    [written["arrayBounds"], "[1, 2,3,4]", true],
    [written["tupleOptional"], "[1,2,3,4,4]", true],
    [written["tupleOptional"], "[1,4]", false],
    [written["list"], '{"value":1,"next":{"value":2,"next":null}}', true],
    [written["anyOfBeside"], '{"b":2}', true],
    [written["anyOfBeside"], "{}", false],
  ])("%j: %s is %p", (schema, text, expected) => expect(allows(constrained(schemaForm(schema)), text)).toBe(expected));
});

describe("what cannot be enforced is refused by name", () => {
  test.each(refused.map(([schema, place, reason]) => [JSON.stringify(schema).slice(0, 100), place, reason, schema] as const))(
    "%s at %p: %p",
    (_, place, reason, schema) => {
      let error: unknown;
      try {
        constrained(schemaForm(schema));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(GrammarError);
      expect((error as GrammarError).message).toMatch(reason);
      expect((error as GrammarError).path.join(".")).toStartWith(place);
    },
  );

  test("and does not spoil the next one", () => {
    expect(() => constrained(schemaForm({ not: true }))).toThrow(GrammarError);
    expect(walk(constrained(schemaForm({ type: "boolean" })), 1).text).toMatch(/^(true|false)$/);
  });
});

test("a schema that refers to itself, wherever it does, is enforced or refused", () => {
  const itself = { $ref: "#" };
  const lists = ["anyOf", "oneOf", "allOf", "prefixItems"].flatMap(name => [{ [name]: [itself] }, { [name]: [itself, { type: "null" }] }]);
  const parts = "not if then else items contains propertyNames additionalProperties unevaluatedItems unevaluatedProperties".split(" ");
  const maps = ["properties", "patternProperties", "dependentSchemas", "dependencies"].map(name => ({ [name]: { a: itself } }));
  const schemas = [...lists, ...parts.map(name => ({ [name]: itself })), ...maps];
  for (const schema of schemas)
    for (const beside of [{}, ...schemas])
      try {
        constrained(schemaForm({ ...beside, ...schema }));
      } catch (error) {
        expect(error).toBeInstanceOf(GrammarError);
      }
});
