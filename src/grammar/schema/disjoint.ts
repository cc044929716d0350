// Whether what one alternative writes can never be meant by another: what `oneOf` asks for.
import { same } from "./merge.ts";
import { hasType } from "./holds.ts";
import { typesOf, type Path, type Schema } from "./read.ts";

/** True when no value that is written for `own` is a value of `other`. Both are flat. */
export function apart(own: Schema, other: Schema, path: Path, resolved: (schema: unknown) => Schema | undefined): boolean {
  const [mine, others] = [valuesOf(own), valuesOf(other)];
  if (mine && others) return !mine.some(value => others.some(other => same(value, other)));
  if (mine) return other["type"] !== undefined && !mine.some(value => typesOf(other, path).some(type => hasType(value, type)));
  if (own["type"] === undefined) return false;
  if (others) return !others.some(value => typesOf(own, path).some(type => hasType(value, type)));
  const shared = typesOf(own, path).filter(type => other["type"] === undefined || typesOf(other, path).some(name => overlap(type, name)));
  if (shared.length === 0) return true;
  return shared.length === 1 && shared[0] === "object" && objectsApart(own, other, path, resolved);
}

const overlap = (a: string, b: string) => a === b || (a === "integer" && b === "number") || (a === "number" && b === "integer");

function valuesOf(schema: Schema): unknown[] | undefined {
  return schema["enum"] as unknown[] | undefined;
}

function objectsApart(own: Schema, other: Schema, path: Path, resolved: (schema: unknown) => Schema | undefined): boolean {
  const mine = (own["properties"] ?? {}) as Schema;
  const others = (other["properties"] ?? {}) as Schema;
  const required = (schema: Schema) => new Set(Array.isArray(schema["required"]) ? (schema["required"] as string[]) : []);
  const [myRequired, otherRequired] = [required(own), required(other)];
  const isClosed = (schema: Schema) => schema["additionalProperties"] === false && schema["patternProperties"] === undefined;
  if (isClosed(own) && [...otherRequired].some(name => !Object.hasOwn(mine, name))) return true;
  if (isClosed(other) && [...myRequired].some(name => !Object.hasOwn(others, name))) return true;
  return [...myRequired].some(name => {
    const [a, b] = [resolved(mine[name]), resolved(others[name])];
    return a !== undefined && b !== undefined && apart(a, b, path, resolved);
  });
}
