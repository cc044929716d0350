// Schemas of all kinds, written out and made up. Each must compile, and whatever is written under it must be valid.
import { dice } from "../helpers/sequences.ts";

const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

export const written: Readonly<Record<string, unknown>> = {
  anything: {},
  nothingButTrue: true,
  string: { type: "string" },
  emptyString: { type: "string", maxLength: 0 },
  lengths: { type: "string", minLength: 3, maxLength: 5 },
  longLengths: { type: "string", minLength: 20, maxLength: 5000 },
  pattern: { type: "string", pattern: "^[A-Z]{2}-\\d{3}$" },
  patternInside: { type: "string", pattern: "foo|ba+r", maxLength: 9 },
  patternHalfAnchored: { type: "string", pattern: "^a|b$", maxLength: 8 },
  patternWithEscapes: { type: "string", pattern: '^["\\\\\\n\\t]{1,4}$' },
  patternUnicode: { type: "string", pattern: "^[äöü€𝄞]{2}$" },
  patternProperty: { type: "string", pattern: "^\\p{Lu}\\p{Ll}+$", maxLength: 12 },
  patternAndLength: { type: "string", pattern: "^[a-z ]*$", minLength: 2, maxLength: 6 },
  patternNegated: { type: "string", pattern: "^[^a-z]+$", maxLength: 6 },
  ...Object.fromEntries(
    ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri", "byte"].map(format => [
      format,
      { type: "string", format },
    ]),
  ),
  integer: { type: "integer" },
  integerBounds: { type: "integer", minimum: -17, maximum: 243 },
  integerAbove: { type: "integer", exclusiveMinimum: 99 },
  integerBelow: { type: "integer", exclusiveMaximum: -5 },
  integerOne: { type: "integer", minimum: 7, maximum: 7 },
  multiple: { type: "integer", multipleOf: 7, minimum: -100, maximum: 1000 },
  number: { type: "number" },
  numberBounds: { type: "number", minimum: -1.5, maximum: 2.25 },
  numberOpen: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
  numberAbove: { type: "number", minimum: 0.001 },
  numberBelow: { type: "number", maximum: -3.14 },
  numberTiny: { type: "number", minimum: 0.25, maximum: 0.26 },
  boolean: { type: "boolean" },
  null: { type: "null" },
  types: { type: ["string", "null", "integer"], maxLength: 4 },
  nullable: { type: "string", nullable: true, maxLength: 3 },
  enum: { enum: ["a", "ab", 'quo"te', "new\nline", "é€😀", 1, -2.5, null, true, { a: [1, 2] }] },
  enumTyped: { type: "string", enum: ["red", "green"] },
  const: { const: { deep: ["x", 1] } },
  array: { type: "array", items: { type: "boolean" } },
  arrayBounds: { type: "array", items: { type: "integer", minimum: 0, maximum: 9 }, minItems: 2, maxItems: 4 },
  arrayLong: { type: "array", items: { const: 1 }, minItems: 3, maxItems: 100 },
  arrayEmpty: { type: "array", maxItems: 0 },
  tuple: { type: "array", prefixItems: [{ type: "integer" }, { enum: ["a"] }], items: false, minItems: 2 },
  tupleOptional: { type: "array", prefixItems: [{ const: 1 }, { const: 2 }, { const: 3 }], items: { const: 4 }, minItems: 1, maxItems: 5 },
  tupleOld: { type: "array", items: [{ const: 1 }, { const: 2 }], additionalItems: false },
  object: object({ a: { type: "integer" }, b: { type: "boolean" } }),
  objectOptional: object({ a: { const: 1 }, b: { const: 2 }, c: { const: 3 } }, []),
  objectMixed: object({ a: { const: 1 }, b: { const: 2 }, c: { const: 3 }, d: { const: 4 } }, ["c"]),
  objectEmpty: { type: "object", properties: {}, additionalProperties: false },
  objectFree: { type: "object" },
  objectNames: object({ 'we"ird\\key\n': { const: 1 }, "ключ😀": { const: 2 } }),
  objectFurther: { type: "object", properties: { a: { type: "string", maxLength: 2 } }, required: ["a"], additionalProperties: { type: "integer" } },
  objectMap: { type: "object", additionalProperties: { type: "boolean" } },
  objectFew: { type: "object", properties: { a: { const: 1 } }, additionalProperties: { const: 2 }, maxProperties: 2 },
  objectPatterns: { type: "object", patternProperties: { "^x_": { type: "integer" }, "^y_": { type: "boolean" } }, additionalProperties: false },
  objectPatternsToo: {
    type: "object",
    properties: { a: { const: 1 } },
    patternProperties: { "^x_": { const: 5 } },
    additionalProperties: { type: "null" },
  },
  requiredOnly: { type: "object", required: ["a"], properties: { b: { const: 2 } } },
  nested: object({ outer: object({ inner: object({ list: { type: "array", items: object({ id: { type: "integer" } }), maxItems: 2 } }) }) }),
  anyOf: { anyOf: [{ type: "integer" }, { type: "string", maxLength: 3 }, { type: "null" }] },
  anyOfObjects: { anyOf: [object({ kind: { const: "a" }, x: { type: "integer" } }), object({ kind: { const: "b" }, y: { type: "boolean" } })] },
  anyOfBeside: { type: "object", properties: { a: { const: 1 }, b: { const: 2 } }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
  oneOfTypes: { oneOf: [{ type: "integer" }, { type: "boolean" }] },
  oneOfTagged: {
    oneOf: [object({ kind: { const: "a" } }), object({ kind: { const: "b" }, more: { type: "integer" } })],
    discriminator: { propertyName: "kind" },
  },
  oneOfRequired: { oneOf: [object({ a: { type: "integer" } }), object({ b: { type: "integer" } })] },
  allOf: {
    allOf: [
      { type: "object", properties: { a: { type: "integer", minimum: 3 } }, required: ["a"] },
      { properties: { a: { maximum: 5 }, b: { type: "boolean" } }, required: ["b"] },
    ],
  },
  allOfNumbers: { type: "integer", allOf: [{ minimum: 3 }, { maximum: 6 }] },
  reference: { $ref: "#/$defs/n", $defs: { n: { type: "integer", minimum: 1, maximum: 3 } } },
  referenceBeside: object({ a: { $ref: "#/$defs/n", description: "x" } }) && {
    ...object({ a: { $ref: "#/$defs/n", maximum: 2 } }),
    $defs: { n: { type: "integer", minimum: 1 } },
  },
  referenceAnchor: { $ref: "#here", $defs: { n: { $anchor: "here", type: "boolean" } } },
  referenceEscaped: { $ref: "#/definitions/a~1b%20c", definitions: { "a/b c": { type: "null" } } },
  list: {
    type: "object",
    properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#" }, { type: "null" }] } },
    required: ["value", "next"],
    additionalProperties: false,
  },
  tree: {
    $ref: "#/$defs/node",
    $defs: { node: object({ name: { enum: ["x", "y"] }, children: { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 2 } }) },
  },
  mutual: { $ref: "#/$defs/a", $defs: { a: object({ b: { $ref: "#/$defs/b" } }, []), b: object({ a: { $ref: "#/$defs/a" } }, []) } },
  unevaluated: { type: "object", properties: { a: { const: 1 } }, unevaluatedProperties: false },
  annotations: {
    type: "string",
    maxLength: 2,
    title: "t",
    description: "d",
    default: "x",
    examples: ["y"],
    $comment: "c",
    "x-own": 1,
    deprecated: true,
  },
  inferred: { properties: { a: { minLength: 2, maxLength: 3 } }, required: ["a"] },
  falseProperty: { type: "object", properties: { a: false, b: { const: 1 } }, required: ["b"] },
};

/** A schema of nested parts that has values and of which none is very long. */
export function makeSchema(seed: number, depth = 3): unknown {
  return make(dice(seed), depth);
}

function make(die: ReturnType<typeof dice>, depth: number): object {
  const { below, pick, next } = die;
  const leaf = (): object =>
    pick([
      () => ({ type: "string", minLength: below(3), maxLength: 3 + below(9) }),
      () => ({ type: "string", pattern: pick(["^[a-f0-9]{4}$", "^(foo|bar)+$", "\\d", "^\\S+@\\S+$"]), maxLength: 12 }),
      () => ({ type: "string", format: pick(["date", "uuid", "ipv4", "time"]) }),
      () => ({ type: "integer", minimum: -below(300), maximum: below(3000) }),
      () => ({ type: "number", minimum: -below(30) / 4, exclusiveMaximum: 0.1 + below(100) / 8 }),
      () => ({ type: "boolean" }),
      () => ({ enum: Array.from({ length: 1 + below(4) }, (_, i) => pick<unknown>([`v${i}`, i, null, [i], "ü\t"])) }),
      () => ({ const: pick<unknown>(["x", 0, false]) }),
      () => ({ type: ["boolean", "null"] }),
    ])();
  if (depth === 0) return leaf();
  return pick([
    leaf,
    () => ({ type: "array", items: make(die, depth - 1), minItems: below(2), maxItems: 1 + below(3) }),
    () => ({ anyOf: Array.from({ length: 1 + below(3) }, () => make(die, depth - 1)) }),
    () => makeObject(die, depth),
    () => makeObject(die, depth),
  ])();

  function makeObject({ below: most }: typeof die, level: number): object {
    const properties = Object.fromEntries(
      Array.from({ length: 1 + most(4) }, (_, i) => [`p${i}${pick(["", "é", '"', " x"])}`, make(die, level - 1)]),
    );
    const required = Object.keys(properties).filter(() => next() < 0.6);
    return { type: "object", properties, required, ...(next() < 0.7 && { additionalProperties: false }) };
  }
}

/** What is refused: by which keyword, at which place. */
export const refused: readonly (readonly [schema: unknown, place: string, reason: RegExp])[] = [
  [{ not: {} }, "not", /cannot be enforced/],
  [object({ a: { if: {}, then: {} } }), "properties.a.if", /cannot be enforced/],
  [{ type: "array", uniqueItems: true, items: { type: "integer" } }, "uniqueItems", /cannot be enforced/],
  [{ type: "array", contains: {} }, "contains", /cannot be enforced/],
  [{ type: "object", dependentRequired: { a: ["b"] } }, "dependentRequired", /cannot be enforced/],
  [{ type: "object", propertyNames: { maxLength: 3 } }, "propertyNames", /cannot be enforced/],
  [{ type: "object", minProperties: 2 }, "minProperties", /cannot be enforced|only up to/],
  [{ type: "number", multipleOf: 0.1 }, "multipleOf", /whole number/],
  [{ type: "string", format: "regex" }, "format", /"regex" cannot be enforced/],
  [{ type: "string", pattern: "(?=a)b" }, "pattern", /lookaround/],
  [{ type: "string", pattern: "(a)\\1" }, "pattern", /references to groups/],
  [{ type: "string", pattern: "a\\bb" }, "pattern", /\\b is not supported/],
  [{ type: "string", pattern: "(" }, "pattern", /missing/],
  [{ type: "string", pattern: "[z-a]" }, "pattern", /out of order/],
  [{ type: "string", pattern: "a**b+*" }, "pattern", /nothing to repeat/],
  [{ $ref: "http://example.com/schema" }, "$ref", /leads out/],
  [{ $ref: "#/$defs/none" }, "$ref", /leads to nothing/],
  [{ $ref: 5 }, "$ref", /must be a string/],
  [{ $ref: "#" }, "", /nothing that ends/],
  [object({ a: { $ref: "#" } }), "", /nothing that ends/],
  [{ allOf: [{ $ref: "#" }] }, "allOf", /without end/],
  [{ type: "strin" }, "type", /must be among/],
  [{ type: "integer", minimum: "3" }, "minimum", /must be a number/],
  [{ type: "string", minLength: -1 }, "minLength", /whole number/],
  [{ type: "object", properties: [] }, "properties", /must be an object/],
  [{ type: "object", required: [1] }, "required.0", /must be a string/],
  [{ type: "array", items: 5 }, "items", /must be a schema/],
  [false, "", /nothing at all/],
  [{ enum: [] }, "", /nothing at all/],
  [{ type: "integer", minimum: 3, maximum: 2 }, "", /nothing at all/],
  [{ oneOf: [{ type: "integer" }, { type: "number" }] }, "oneOf", /may both hold/],
  [{ allOf: [{ pattern: "a" }, { pattern: "b" }], type: "string" }, "allOf.1.pattern", /together/],
  [{ type: "string", pattern: "(a{1,1000}){1,1000}" }, "", /too large/],
  [{ type: "string", pattern: "(a|b)*a(a|b){40}" }, "", /too large/],
  [{ enum: Array.from({ length: 100_000 }, (_, i) => `value number ${i}`) }, "", /too large/],
];
