import { describe, expect, test } from "bun:test";
import { fitsCallId, makeCallId } from "../../src/parsers/call-ids.ts";
import { ArgumentsCoercion } from "../../src/parsers/values/coerce.ts";
import { literalToJson } from "../../src/parsers/values/literal.ts";
import { propertyTypes } from "../../src/parsers/values/schema.ts";
import { textToJson } from "../../src/parsers/values/typed.ts";
import { cuts } from "./cuts.ts";

const parameters = {
  type: "object",
  properties: {
    text: { type: "string" },
    count: { type: "integer" },
    ratio: { type: "number" },
    flag: { type: "boolean" },
    list: { type: "array" },
    either: { type: ["string", "number"] },
    maybe: { anyOf: [{ type: "string" }, { type: "null" }] },
    shared: { $ref: "#/$defs/shape" },
    mode: { enum: ["a", "b"] },
  },
  $defs: { shape: { type: "object" } },
};

function coerce(text: string): string {
  const results = [...cuts(text, 10)].map(pieces => {
    const coercion = new ArgumentsCoercion({ name: "f", parameters });
    return pieces.map(piece => coercion.feed(piece)).join("") + coercion.end();
  });
  expect(new Set(results).size).toBe(1);
  return results[0]!;
}

describe("arguments become what the schema asks for, in every cut", () => {
  const cases: Readonly<Record<string, string>> = {
    '{"text": "a", "count": 3, "flag": true}': '{"text": "a", "count": 3, "flag": true}',
    '{"text": {"a": ["x\\n", 1]}}': '{"text": "{\\"a\\": [\\"x\\\\n\\", 1]}"}',
    '{"text": [1, "é🙂"]}': '{"text": "[1, \\"é🙂\\"]"}',
    '{"text": 75001, "maybe": 2.5}': '{"text": "75001", "maybe": "2.5"}',
    '{"text": true}': '{"text": "true"}',
    '{"text": null, "maybe": null}': '{"text": null, "maybe": null}',
    '{"count": "3", "ratio": " 2.5 ", "flag": "True"}': '{"count": 3, "ratio": 2.5, "flag": true}',
    '{"count": "three"}': '{"count": "three"}',
    '{"count": "2.5"}': '{"count": "2.5"}',
    '{"list": "[1, 2]", "shared": "{\\"a\\": \\"b\\"}"}': '{"list": [1, 2], "shared": {"a": "b"}}',
    '{"list": "[\'a\', None]"}': '{"list": ["a", null]}',
    '{"either": "3", "mode": 4}': '{"either": "3", "mode": "4"}',
    '{"unknown": {"text": 1}, "other": "3"}': '{"unknown": {"text": 1}, "other": "3"}',
    '{"list": [{"text": 1}], "text": "x"}': '{"list": [{"text": 1}], "text": "x"}',
    '{\n  "count" : "3"\n}': '{\n  "count" : 3\n}',
    '{"count": "3': '{"count": "3',
    '{"text": {"a': '{"text": "{\\"a',
    "{text: 1}": "{text: 1}",
    "[1]": "[1]",
    "{}": "{}",
  };
  for (const [given, expected] of Object.entries(cases)) test(given, () => expect(coerce(given)).toBe(expected));

  test("and are left alone where nothing is known", () => {
    expect(new ArgumentsCoercion(undefined).feed('{"a": {}}')).toBe('{"a": {}}');
    expect(new ArgumentsCoercion({ name: "f" }).feed('{"text": 1}')).toBe('{"text": 1}');
  });

  test("and text is not held back", () => {
    const coercion = new ArgumentsCoercion({ name: "f", parameters });
    expect(coercion.feed('{"text": "Hel')).toBe('{"text": "Hel');
    expect(coercion.feed("lo")).toBe("lo");
    expect(coercion.feed('", "count": "1')).toBe('", "count": ');
    expect(coercion.feed('"}')).toBe("1}");
  });
});

test("Python's literals become JSON", () => {
  const cases: Readonly<Record<string, string | undefined>> = {
    "{'a': True, \"b\": None, 'c': (1, 2), 'd': {1, 2}}": '{"a": true, "b": null, "c": [1, 2], "d": [1, 2]}',
    "(1,)": "[1]",
    "(1)": "1",
    "+1_000": "1000",
    "-.5e3": "-500",
    "'it\\'s' \"\\n\\u00e9\"": '"it\'s\\né"',
    "r'\\d'": '"\\\\d"',
    "'''a\n'b' '''": "\"a\\n'b' \"",
    "{1: 'a'}": '{"1": "a"}',
    "b'x'": undefined,
    "1 + 2": undefined,
    Paris: undefined,
    "[1, 2": undefined,
    "{'a': 1, 2}": undefined,
    "": undefined,
  };
  for (const [given, expected] of Object.entries(cases)) expect([given, literalToJson(given)]).toEqual([given, expected]);
  expect(literalToJson("[".repeat(10_000))).toBeUndefined();
});

test("bare text gets the type that the schema asks for", () => {
  const typed = (text: string, property: string) => textToJson(text, propertyTypes(parameters, property));
  expect(typed("12", "text")).toBe('"12"');
  expect(typed("12", "count")).toBe("12");
  expect(typed("12", "either")).toBe("12");
  expect(typed("null", "maybe")).toBe("null");
  expect(typed("twelve", "count")).toBe('"twelve"');
  expect(typed("False", "flag")).toBe("false");
  expect(typed('"12"', "count")).toBe("12");
  expect(typed("[1, 'a']", "list")).toBe('[1, "a"]');
  expect(typed("3", "nothing")).toBe("3");
  expect(typed(" a b ", "nothing")).toBe('" a b "');
});

test("references that loop or lead nowhere say nothing", () => {
  const looping = { properties: { a: { $ref: "#/properties/a" }, b: { $ref: "#/nowhere" }, c: { $ref: "https://example.com" }, d: true } };
  for (const property of ["a", "b", "c", "d", "toString"]) expect(propertyTypes(looping, property)).toBeUndefined();
});

test("ids look as the template takes them", () => {
  const place = { name: "f", index: 4, seed: "s" };
  expect(makeCallId("call", place)).toMatch(/^call_[0-9a-f]{24}$/);
  expect(makeCallId("kimi", place)).toBe("functions.f:4");
  expect(fitsCallId("mistral", makeCallId("mistral", place))).toBe(true);
  expect(makeCallId("mistral", place)).toBe(makeCallId("mistral", { ...place, index: 5 }));
  expect(fitsCallId("mistral", "call_123")).toBe(false);
});
