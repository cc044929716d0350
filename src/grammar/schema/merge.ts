// Two schemas that must hold together, as one.
import { fail, keywords, type Path, type Schema } from "./read.ts";

type Join = (a: never, b: never, path: Path) => unknown;

const largest: Join = (a: number, b: number) => Math.max(a, b);
const smallest: Join = (a: number, b: number) => Math.min(a, b);
const both: Join = (a: unknown, b: unknown) => ({ allOf: [a, b] });
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const joins: Readonly<Record<string, Join>> = {
  type: (a: unknown, b: unknown) =>
    list(a).flatMap(name =>
      list(b).includes(name)
        ? [name]
        : list(b).includes("number") && name === "integer"
          ? [name]
          : name === "number" && list(b).includes("integer")
            ? ["integer"]
            : [],
    ),
  enum: (a: unknown[], b: unknown[]) => a.filter(value => b.some(other => same(value, other))),
  required: (a: string[], b: string[]) => [...new Set([...a, ...b])],
  properties: (a: Schema, b: Schema) => joinProperties(a, b),
  items: both,
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

function joinProperties(a: Schema, b: Schema): Schema {
  const shared = Object.keys(a).filter(name => Object.hasOwn(b, name));
  return Object.fromEntries([...Object.entries(a), ...Object.entries(b), ...shared.map(name => [name, { allOf: [a[name], b[name]] }] as const)]);
}

/** Throws GrammarError where the two cannot be joined keyword by keyword. */
export function merge(a: Schema, b: Schema, path: Path): Schema {
  const narrowed = [a, b].map((schema, i) => closed(schema, [b, a][i]!));
  const [left, right] = narrowed as [Schema, Schema];
  const joined: Record<string, unknown> = { ...left, ...right };
  for (const name of keywords(left)) {
    if (!Object.hasOwn(right, name) || same(left[name], right[name])) continue;
    const join = joins[name];
    if (!join) fail([...path, name], "cannot be enforced together with another of its kind");
    joined[name] = join(left[name] as never, right[name] as never, path);
  }
  if (Array.isArray(joined["type"]) && joined["type"].length === 0) return { enum: [] };
  return joined;
}

/** Where one side allows only its declared properties, those of the other side that it does not declare are not allowed. */
function closed(schema: Schema, other: Schema): Schema {
  if (other["additionalProperties"] === undefined || other["additionalProperties"] === true) return schema;
  const allowed = (other["properties"] ?? {}) as Schema;
  const mine = Object.entries((schema["properties"] ?? {}) as Schema);
  if (mine.every(([name]) => Object.hasOwn(allowed, name))) return schema;
  const rest = other["additionalProperties"];
  return {
    ...schema,
    properties: Object.fromEntries(
      mine.map(([name, value]) => [name, Object.hasOwn(allowed, name) ? value : rest === false ? false : { allOf: [value, rest] }]),
    ),
  };
}
