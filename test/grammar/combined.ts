// Schemas that combine schemas in all ways, meaningful or not: what is enforced of them must be right all the same.
import { dice } from "../helpers/sequences.ts";
import { isObject } from "../../src/util/json.ts";

const leaves: readonly unknown[] = [
  true,
  false,
  { type: "integer" },
  { type: "string" },
  { type: "number" },
  { type: "boolean" },
  { type: "array" },
  { type: ["object", "null"] },
  { type: "string", nullable: true },
  { const: "a" },
  { enum: ["a", 1, null, { a: 1 }] },
  { minLength: 2 },
  { maxLength: 3 },
  { pattern: "^a" },
  { pattern: "b" },
  { format: "date" },
  { minimum: 3 },
  { maximum: 5 },
  { exclusiveMaximum: 4 },
  { multipleOf: 3 },
  { format: "int32" },
  { required: ["a"] },
  { required: ["b"] },
  { not: { required: ["c"] } },
  { dependentRequired: { a: ["b"] } },
  { properties: { a: { type: "integer" } } },
  { properties: { a: { const: 1 } }, required: ["a"] },
  { properties: { b: { enum: ["x", "y"] } } },
  { type: "object", properties: { a: { const: 1 }, b: { type: "string", maxLength: 2 } }, additionalProperties: false },
  { additionalProperties: { type: "integer" } },
  { additionalProperties: false },
  { patternProperties: { "^a": { type: "integer" } } },
  { propertyNames: { maxLength: 2 } },
  { propertyNames: { enum: ["a", "b", "c"] } },
  { minProperties: 1 },
  { maxProperties: 1 },
  { unevaluatedProperties: false },
  { items: { type: "integer" } },
  { items: { enum: [1, 2, 3] } },
  { uniqueItems: true },
  { minItems: 1 },
  { maxItems: 2 },
  { prefixItems: [{ type: "integer" }, { const: "a" }] },
  { contains: { const: 2 } },
  { contains: { type: "integer" }, maxContains: 1 },
  { unevaluatedItems: false },
];

export function combined(seed: number, depth = 3): object {
  const { below, next, pick } = dice(seed);
  const make = (left: number): unknown => {
    const leaf = pick(leaves);
    if (left === 0 || next() < 0.25) return leaf;
    const some = () => Array.from({ length: 1 + below(3) }, () => make(left - 1));
    const one = () => make(left - 1);
    const around = pick([
      () => ({ allOf: some() }),
      () => ({ anyOf: some() }),
      () => ({ oneOf: some() }),
      () => ({ not: one() }),
      () => ({ if: one(), then: one(), else: one() }),
      () => ({ type: "object", properties: { a: one(), b: one(), c: one() }, required: ["a", "b", "c"].filter(() => next() < 0.4) }),
      () => ({ dependentSchemas: { a: one() } }),
      () => ({ type: "array", items: one() }),
    ])();
    return { ...(isObject(leaf) ? leaf : {}), ...around };
  };
  return { $schema: "https://json-schema.org/draft/2020-12/schema", allOf: [make(depth)] };
}
