import { describe, expect, test } from "bun:test";
import Type, { type TSchema } from "typebox";
import { check } from "../../src/api/check.ts";
import { fieldName } from "../../src/util/field-name.ts";

const shape = Type.Object({
  n: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
  t: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  s: Type.Optional(Type.String({ minLength: 1, maxLength: 3, pattern: "^[a-z]*$" })),
  b: Type.Optional(Type.Boolean()),
  e: Type.Optional(Type.Enum(["x", "y"])),
  c: Type.Optional(Type.Literal("only", { "x-refused": "nothing else is served" })),
  u: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 2 })])),
  l: Type.Optional(Type.Array(Type.Object({ id: Type.Integer() }))),
  r: Type.Optional(Type.Record(Type.String({ pattern: "^[0-9]+$" }), Type.Number({ maximum: 1 }), { maxProperties: 2, "x-form": "a number's name" })),
});

describe("the first problem of a value", () => {
  const cases: [value: unknown, field: string, message: string][] = [
    [[], "", "must be an object, not a list"],
    [{ n: "1" }, "n", 'must be a whole number, not "1"'],
    [{ n: 1.5 }, "n", "must be a whole number, not the number 1.5"],
    [{ n: Infinity }, "n", "must be a whole number, not a number too large to hold"],
    [{ n: 0 }, "n", "must be at least 1, not 0"],
    [{ n: 1e300 }, "n", "must be at most 4, not 1e+300"],
    [{ t: Infinity }, "t", "must be a number, not a number too large to hold"],
    [{ t: -0.1 }, "t", "must be at least 0, not -0.1"],
    [{ s: "" }, "s", "must not be empty"],
    [{ s: "abcd" }, "s", "must have at most 3 characters, not 4"],
    [{ s: "A" }, "s", 'must be a text that matches ^[a-z]*$, not "A"'],
    [{ b: "true" }, "b", 'must be a boolean, not "true"'],
    [{ e: "z" }, "e", 'must be "x" or "y", not "z"'],
    [{ u: 5 }, "u", "must be a string or a list of strings, not the number 5"],
    [{ u: ["a", 5] }, "u[1]", "must be a string, not the number 5"],
    [{ u: ["a", "b", "c"] }, "u", "must have at most 2 items, not 3"],
    [{ l: [{ id: 1 }, {}] }, "l[1].id", "is required"],
    [{ l: [{ id: 1 }, { id: "2" }] }, "l[1].id", 'must be a whole number, not "2"'],
    [{ r: { x: 1 } }, "r.x", "is not a number's name"],
    [{ r: { 1: 2 } }, "r.1", "must be at most 1, not 2"],
    [{ r: { 1: 1, 2: 1, 3: 1 } }, "r", "must have at most 2 entries, not 3"],
  ];
  test.each(cases)("%j is told as %s %s", (value, field, message) => {
    const problem = check(shape, value);
    expect([fieldName(problem?.path ?? ["none"]), problem?.message ?? "none"]).toEqual([field, message]);
  });

  test("what is known but not served is told with its reason", () => {
    expect(check(shape, { c: "other" })).toEqual({
      path: ["c"],
      code: "unsupported_parameter",
      message: 'must be "only", not "other": nothing else is served',
    });
  });

  test("null is the same as absence", () => {
    expect(check(shape, { n: null, s: null, l: null })).toBeUndefined();
  });

  test("a union of objects is judged by the alternative that was meant", () => {
    const parts: TSchema = Type.Union([
      Type.Object({ type: Type.Literal("a"), a: Type.String() }),
      Type.Object({ type: Type.Literal("b"), b: Type.String() }),
    ]);
    expect(check(parts, { type: "b", b: 1 })?.path).toEqual(["b"]);
    expect(check(parts, { type: "a" })?.path).toEqual(["a"]);
  });

  test("a million bad values cost no more than the first of them", () => {
    let reads = 0;
    const counting = { get: (list: unknown[], key: string) => ((reads += /^\d+$/.test(key) ? 1 : 0), Reflect.get(list, key)) };
    const list = new Proxy<unknown[]>(new Array(1_000_000).fill("x"), counting as ProxyHandler<unknown[]>);
    expect(check(Type.Array(Type.Integer()), list)?.path).toEqual([0]);
    expect(reads).toBe(1);
  });
});

describe("a union whose objects are told apart by a tag", () => {
  const item: TSchema = Type.Union(
    [Type.String(), Type.Object({ type: Type.Literal("a"), a: Type.String() }), Type.Object({ type: Type.Enum(["b", "c"]), n: Type.Integer() })],
    { "x-refused-types": { image: "there are no eyes here" } },
  );

  test("names the tags that there are", () => {
    expect(check(item, { type: "d" })).toEqual({ path: ["type"], code: "invalid_value", message: 'must be "a" or "b" or "c", not "d"' });
  });

  test("says why a tag that others know is not served", () => {
    const problem = { path: ["type"], code: "unsupported_parameter" as const, message: '"image" is not supported: there are no eyes here' };
    expect(check(item, { type: "image" })).toEqual(problem);
  });

  test("goes on with the alternative that has the tag", () => {
    expect(check(item, { type: "c", n: "1" })).toMatchObject({ path: ["n"] });
    expect(check(item, { type: "a", a: "1" })).toBeUndefined();
  });
});
