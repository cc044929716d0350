// Two schemas that must hold together, as one. Both are flat (flat.ts).
import { fail, keywords, Together, valuesAt, type Path, type Schema } from "./read.ts";

type Join = (a: never, b: never, path: Path) => unknown;

const largest: Join = (a: number, b: number) => Math.max(a, b);
const smallest: Join = (a: number, b: number) => Math.min(a, b);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
export const same = (a: unknown, b: unknown) => Bun.deepEquals(a, b);

const joins: Readonly<Record<string, Join>> = {
  type: (a: unknown, b: unknown) => [...new Set(list(a).flatMap(name => list(b).flatMap(other => commonType(name, other))))],
  enum: (a: unknown[], b: unknown[]) => a.filter(value => b.some(other => same(value, other))),
  required: (a: string[], b: string[]) => [...new Set([...a, ...b])],
  properties: (a: Schema, b: Schema) => joinSchemas(a, b),
  patternProperties: (a: Schema, b: Schema) => joinSchemas(a, b),
  additionalProperties: (a: unknown, b: unknown) => both(a, b),
  propertyNames: (a: unknown, b: unknown) => both(a, b),
  minimum: largest,
  exclusiveMinimum: largest,
  minLength: largest,
  minItems: largest,
  minProperties: largest,
  maximum: smallest,
  exclusiveMaximum: smallest,
  maxLength: smallest,
  maxItems: smallest,
  maxProperties: smallest,
  uniqueItems: (a: boolean, b: boolean) => a || b,
};

/** Keywords whose values are kept side by side. */
const gathered = ["pattern", "format", "not", "anyOf"];

const commonType = (a: unknown, b: unknown) =>
  a === b ? [a] : (a === "number" && b === "integer") || (a === "integer" && b === "number") ? ["integer"] : [];

const made = new WeakMap<object, Map<unknown, object>>();

/** The schema of what both allow. The same two give the same object, by which the compiler knows what it has compiled. */
export function both(a: unknown, b: unknown): unknown {
  if (a === b || b === true) return a;
  if (a === true) return b;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === false || b === false ? false : { allOf: [a, b] };
  for (const [outer, inner] of [
    [a, b],
    [b, a],
  ] as const)
    if (Array.isArray((outer as Schema)["allOf"]) && Object.keys(outer).length === 1 && ((outer as Schema)["allOf"] as unknown[]).includes(inner))
      return outer;
  const known = made.get(a) ?? new Map<unknown, object>();
  made.set(a, known);
  if (!known.has(b)) known.set(b, { allOf: [a, b] });
  return known.get(b);
}

function joinSchemas(a: Schema, b: Schema): Schema {
  const shared = Object.keys(a).filter(name => Object.hasOwn(b, name));
  return Object.fromEntries([...Object.entries(a), ...Object.entries(b), ...shared.map(name => [name, both(a[name], b[name])] as const)]);
}

/** Throws GrammarError where the two cannot be joined keyword by keyword. */
export function merge(a: Schema, b: Schema, path: Path): Schema {
  for (const name of ["unevaluatedProperties", "unevaluatedItems"])
    if ((a[name] ?? b[name]) !== undefined) fail([...path, name], "cannot be enforced among schemas that hold together");
  const left = closed(a, b);
  const right = closed(b, a);
  const joined: Record<string, unknown> = { ...left, ...right, ...joinItems(a, b) };
  for (const name of keywords(left)) {
    if (!Object.hasOwn(right, name) || name === "items" || name === "prefixItems" || same(left[name], right[name])) continue;
    const join = joins[name];
    if (gathered.includes(name)) joined[name] = new Together([...valuesAt(left, name), ...valuesAt(right, name)]);
    else if (join) joined[name] = join(left[name] as never, right[name] as never, path);
    else fail([...path, name], "cannot be enforced together with another of its kind");
  }
  return joined;
}

/** Place by place; what follows a list of places counts for those that the other list has more. */
function joinItems(a: Schema, b: Schema): Schema {
  const [first, second] = [a, b].map(schema => (schema["prefixItems"] ?? []) as unknown[]) as [unknown[], unknown[]];
  const [restA, restB] = [a["items"], b["items"]];
  const places = Array.from({ length: Math.max(first.length, second.length) }, (_, i) =>
    both(i < first.length ? first[i] : (restA ?? true), i < second.length ? second[i] : (restB ?? true)),
  );
  const rest = restA === undefined ? restB : restB === undefined ? restA : both(restA, restB);
  return { ...(places.length > 0 && { prefixItems: places }), ...(rest !== undefined && { items: rest }) };
}

/** Where the other side says what its undeclared properties are, it speaks about those that only this side declares. */
function closed(schema: Schema, other: Schema): Schema {
  const rest = other["additionalProperties"];
  if (rest === undefined || rest === true) return schema;
  const narrowed = (keyword: string) => {
    const declared = { ...(other["properties"] as Schema), ...(keyword === "patternProperties" && (other["patternProperties"] as Schema)) };
    const mine = Object.entries(schema[keyword] as Schema);
    return Object.fromEntries(mine.map(([name, value]) => [name, Object.hasOwn(declared, name) ? value : both(value, rest)]));
  };
  const present = ["properties", "patternProperties"].filter(keyword => schema[keyword] !== undefined);
  return { ...schema, ...Object.fromEntries(present.map(keyword => [keyword, narrowed(keyword)])) };
}
