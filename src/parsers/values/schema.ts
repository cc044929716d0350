// What a tool's schema says about the type of one argument, as far as turning text into a value needs it.
import { isObject } from "../../util/json.ts";

export type JsonType = "string" | "number" | "integer" | "boolean" | "null" | "object" | "array";

type Schema = Readonly<Record<string, unknown>>;

const allTypes: readonly string[] = ["string", "number", "integer", "boolean", "null", "object", "array"];
const deepest = 16; // of references and unions in one another

/** The types that a schema allows its property to have; undefined where it says nothing. */
export function propertyTypes(schema: Schema | undefined, property: string): ReadonlySet<JsonType> | undefined {
  const properties = schema?.["properties"];
  if (!isObject(properties) || !Object.hasOwn(properties, property)) return undefined;
  const types = typesOf(properties[property], schema!, deepest);
  return types.length === 0 ? undefined : new Set(types);
}

export function typeOf(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "string" || typeof value === "boolean" ? (typeof value as JsonType) : "object";
}

export function allows(types: ReadonlySet<JsonType>, type: JsonType): boolean {
  return types.has(type) || (type === "integer" && types.has("number"));
}

function typesOf(schema: unknown, root: Schema, depth: number): JsonType[] {
  if (!isObject(schema) || depth === 0) return [];
  const { type, $ref: reference, enum: options } = schema;
  if (typeof reference === "string") return typesOf(resolve(reference, root), root, depth - 1);
  if (typeof type === "string") return isType(type) ? [type] : [];
  if (Array.isArray(type)) return type.filter(isType);
  for (const union of ["anyOf", "oneOf", "allOf"]) {
    const parts = schema[union];
    if (Array.isArray(parts)) return parts.flatMap(part => typesOf(part, root, depth - 1));
  }
  if (Array.isArray(options)) return options.map(typeOf);
  return "const" in schema ? [typeOf(schema["const"])] : [];
}

/** References into the tool's own schema only. */
function resolve(reference: string, root: Schema): unknown {
  if (!reference.startsWith("#")) return undefined;
  const steps = reference.slice(1).split("/").filter(Boolean);
  return steps.reduce<unknown>((at, step) => (isObject(at) ? at[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined), root);
}

function isType(type: unknown): type is JsonType {
  return typeof type === "string" && allTypes.includes(type);
}
