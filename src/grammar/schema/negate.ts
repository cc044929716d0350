// What a schema does not allow, as schemas. Where that cannot be said exactly, less is said: never more than is true.
import { fail, types, type Path, type Placed, type Schema } from "./read.ts";

const negations = new WeakMap<object, object>();

/** `not` of a schema; the same schema gives the same object. */
export function negation(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return !schema;
  const known = negations.get(schema) ?? { not: schema };
  negations.set(schema, known);
  return known;
}

/** A `not` that is enforced as it stands, on the values or, where all are strings, on the characters. */
export function isPlainNot(not: unknown, type: unknown): boolean {
  if (typeof not !== "object" || not === null) return false;
  const [name, ...more] = Object.keys(not);
  return more.length === 0 && (name === "enum" || (name === "pattern" && String(type) === "string"));
}

type Negate = (value: never, schema: Schema) => readonly unknown[];
const all = (parts: readonly unknown[]) => ({ allOf: parts });
const forbidden = (name: string) => ({ type: "object", properties: { [name]: false } });
const holding = (name: string, value: unknown) => ({ type: "object", required: [name], properties: { [name]: value } });
const more =
  (type: string, keyword: string): Negate =>
  (count: number) => [{ type, [keyword]: count + 1 }];
const fewer =
  (type: string, keyword: string): Negate =>
  (count: number) =>
    count > 0 ? [{ type, [keyword]: count - 1 }] : [];
const number =
  (keyword: string): Negate =>
  (bound: number) => [{ type: "number", [keyword]: bound }];
const nots = (parts: readonly unknown[]) => [all(parts.map(negation))];

const negated: Readonly<Record<string, Negate>> = {
  type: (value: string | string[], { nullable }) => {
    const named = [value, nullable === true ? "null" : []].flat();
    const isNumber = named.includes("number") || named.includes("integer"); // a number that is no integer is not told from one that is
    return [{ type: types.filter(name => !named.includes(name) && !(isNumber && (name === "number" || name === "integer"))) }];
  },
  enum: (values: unknown[]) => [{ not: { enum: values } }],
  const: (value: unknown) => [{ not: { enum: [value] } }],
  not: (inner: unknown) => [inner],
  allOf: (parts: unknown[]) => parts.map(negation),
  anyOf: nots,
  oneOf: nots,
  if: (condition: unknown, { then = true, else: otherwise = true }) => [
    all([condition, negation(then)]),
    all([negation(condition), negation(otherwise)]),
  ],
  then: () => [],
  else: () => [],
  properties: (properties: Schema) => Object.entries(properties).map(([name, value]) => holding(name, negation(value))),
  required: (names: string[]) => names.map(forbidden),
  dependentRequired: (dependent: Record<string, string[]>) =>
    Object.entries(dependent).flatMap(([name, others]) => others.map(other => all([{ type: "object", required: [name] }, forbidden(other)]))),
  items: (item: unknown, { prefixItems }) => (Array.isArray(item) || prefixItems !== undefined ? [] : [{ type: "array", contains: negation(item) }]),
  contains: (item: unknown, { minContains, maxContains }) =>
    minContains === undefined && maxContains === undefined ? [{ type: "array", items: negation(item) }] : [],
  pattern: (pattern: string) => [{ type: "string", not: { pattern } }],
  minLength: fewer("string", "maxLength"),
  maxLength: more("string", "minLength"),
  minItems: fewer("array", "maxItems"),
  maxItems: more("array", "minItems"),
  minProperties: fewer("object", "maxProperties"),
  maxProperties: more("object", "minProperties"),
  minimum: number("exclusiveMaximum"),
  maximum: number("exclusiveMinimum"),
  exclusiveMinimum: (bound: unknown) => (typeof bound === "number" ? [{ type: "number", maximum: bound }] : []),
  exclusiveMaximum: (bound: unknown) => (typeof bound === "number" ? [{ type: "number", minimum: bound }] : []),
};

/** Schemas of which one holds where `schema` does not. `given` lists its keywords. Throws GrammarError where none can be told. */
export function alternativesTo(schema: Schema, given: readonly string[], path: Path): Placed[] {
  const found = given.flatMap(name => negated[name]?.(schema[name] as never, schema) ?? []);
  const odd = given.find(name => !Object.hasOwn(negated, name));
  if (found.length === 0 && odd !== undefined) fail(path, `cannot be enforced: the opposite of ${odd}`);
  return found.map(option => ({ schema: option, path }));
}
