// Whether what one alternative writes can never be meant by another: what `oneOf` asks for.
import { typesOf, type Path, type Schema } from "./read.ts";

/** True when no value that is written for `own` is a value of `other`. Both are resolved. */
export function apart(own: Schema, other: Schema, path: Path, resolved: (schema: unknown) => Schema | undefined): boolean {
  const [mine, others] = [valuesOf(own), valuesOf(other)];
  if (mine && others) return !mine.some(value => others.includes(value));
  if (mine && other["type"] !== undefined) return mine.every(value => !typesOf(other, path).some(type => hasType(value, type)));
  const shared = typesOf(own, path).filter(type => other["type"] === undefined || typesOf(other, path).some(name => overlap(type, name)));
  if (shared.length === 0) return true;
  return shared.length === 1 && shared[0] === "object" && objectsApart(own, other, path, resolved);
}

const overlap = (a: string, b: string) => a === b || (a === "integer" && b === "number") || (a === "number" && b === "integer");

function hasType(text: string, type: string): boolean {
  const value: unknown = JSON.parse(text);
  if (value === null) return type === "null";
  if (Array.isArray(value)) return type === "array";
  return typeof value === type || (type === "integer" && Number.isInteger(value));
}

/** The values of an enum or const as JSON. */
function valuesOf(schema: Schema): string[] | undefined {
  if (Object.hasOwn(schema, "const")) return [JSON.stringify(schema["const"])];
  return Array.isArray(schema["enum"]) ? schema["enum"].map(value => JSON.stringify(value)) : undefined;
}

function objectsApart(own: Schema, other: Schema, path: Path, resolved: (schema: unknown) => Schema | undefined): boolean {
  const mine = (own["properties"] ?? {}) as Schema;
  const others = (other["properties"] ?? {}) as Schema;
  const required = (schema: Schema) => new Set(Array.isArray(schema["required"]) ? (schema["required"] as string[]) : []);
  const [myRequired, otherRequired] = [required(own), required(other)];
  const writesOnlyDeclared =
    own["properties"] !== undefined && (own["additionalProperties"] ?? false) === false && own["patternProperties"] === undefined;
  if (writesOnlyDeclared && [...otherRequired].some(name => !Object.hasOwn(mine, name) && !myRequired.has(name))) return true;
  if (other["additionalProperties"] === false && [...myRequired].some(name => !Object.hasOwn(others, name))) return true;
  return [...myRequired].some(name => {
    const [a, b] = [resolved(mine[name]), resolved(others[name])];
    return a !== undefined && b !== undefined && apart(a, b, path, resolved);
  });
}
