// Reads JSON Schema: which keywords there are, whether they are what they should be, and where a reference leads.
import { GrammarError } from "../error.ts";
import { isObject } from "../../util/json.ts";

export type Path = readonly (string | number)[];
export type Schema = Readonly<Record<string, unknown>>;

/** A schema with the place where it stands. */
export interface Placed {
  readonly schema: unknown;
  readonly path: Path;
}

/** Say nothing about which values are allowed. */
const annotations = new Set(
  "$schema $id $anchor $comment $defs definitions title description default examples example deprecated readOnly writeOnly discriminator contentEncoding contentMediaType contentSchema nullable externalDocs xml".split(
    " ",
  ),
);

const enforced = new Set(
  "$ref type enum const anyOf oneOf allOf properties required additionalProperties patternProperties minProperties maxProperties unevaluatedProperties unevaluatedItems items prefixItems additionalItems minItems maxItems uniqueItems minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split(
    " ",
  ),
);

const constraining = (name: string) => !annotations.has(name) && !name.startsWith("x-");

export function fail(path: Path, message: string): never {
  throw new GrammarError(message, path);
}

/** The schema as an object whose keywords can all be enforced. */
export function checked({ schema, path }: Placed): Schema {
  if (!isObject(schema)) fail(path, "must be a schema: an object or a boolean");
  for (const name of Object.keys(schema))
    if (constraining(name) && !enforced.has(name)) fail([...path, name], "is a keyword that cannot be enforced");
  return schema as Schema;
}

/** The keywords that narrow down the values. */
export function keywords(schema: Schema): string[] {
  return Object.keys(schema).filter(constraining);
}

export function numberAt(schema: Schema, name: string, path: Path): number | undefined {
  const value = schema[name];
  if (value === undefined) return undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : fail([...path, name], "must be a number");
}

export function countAt(schema: Schema, name: string, path: Path): number | undefined {
  const value = schema[name];
  if (value === undefined) return undefined;
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : fail([...path, name], "must be a whole number from 0 on");
}

export function textAt(schema: Schema, name: string, path: Path): string | undefined {
  const value = schema[name];
  return value === undefined || typeof value === "string" ? value : fail([...path, name], "must be a string");
}

export function listAt(schema: Schema, name: string, path: Path): readonly unknown[] | undefined {
  const value = schema[name];
  return value === undefined || Array.isArray(value) ? (value as unknown[] | undefined) : fail([...path, name], "must be a list");
}

export function namesAt(schema: Schema, name: string, path: Path): readonly string[] {
  const list = listAt(schema, name, path) ?? [];
  return list.map((each, i) => (typeof each === "string" ? each : fail([...path, name, i], "must be a string")));
}

export function schemasAt(schema: Schema, name: string, path: Path): Readonly<Record<string, unknown>> {
  const value = schema[name];
  if (value === undefined) return {};
  return isObject(value) ? (value as Schema) : fail([...path, name], "must be an object");
}

/** What a reference within the document names. */
export function resolve(root: unknown, reference: string, path: Path): Placed {
  if (!reference.startsWith("#")) fail([...path, "$ref"], `leads out of the schema, to ${JSON.stringify(reference.slice(0, 200))}`);
  if (reference !== "#" && !reference.startsWith("#/")) return { schema: anchored(root, reference.slice(1), path), path };
  const parts = reference
    .split("/")
    .slice(1)
    .map(part => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
  let schema = root;
  for (const part of parts) {
    const next: unknown = typeof schema === "object" && schema !== null && Object.hasOwn(schema, part) ? (schema as Schema)[part] : undefined;
    schema = next ?? fail([...path, "$ref"], `leads to nothing: ${JSON.stringify(reference.slice(0, 200))}`);
  }
  return { schema, path: parts };
}

function anchored(root: unknown, name: string, path: Path): unknown {
  for (const schema of Object.values({ ...schemasAt(root as Schema, "$defs", []), ...schemasAt(root as Schema, "definitions", []) }))
    if (typeof schema === "object" && schema !== null && (schema as Schema)["$anchor"] === name) return schema;
  return fail([...path, "$ref"], `leads to nothing: ${JSON.stringify(`#${name.slice(0, 200)}`)}`);
}

export const types = ["null", "boolean", "integer", "number", "string", "array", "object"] as const;
export type TypeName = (typeof types)[number];

const typeOfKeyword: Readonly<Record<string, TypeName>> = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  patternProperties: "object",
  minProperties: "object",
  maxProperties: "object",
  items: "array",
  prefixItems: "array",
  minItems: "array",
  maxItems: "array",
  uniqueItems: "array",
  minLength: "string",
  maxLength: "string",
  pattern: "string",
  format: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  multipleOf: "number",
};

/** The types that a schema allows; without `type` those that its keywords speak about, or all. */
export function typesOf(schema: Schema, path: Path): readonly TypeName[] {
  const { type } = schema;
  if (type === undefined) {
    const implied = Object.keys(schema).flatMap(name => typeOfKeyword[name] ?? []);
    return implied.length > 0 ? [...new Set(implied)] : types.filter(name => name !== "integer");
  }
  const list: readonly unknown[] = Array.isArray(type) ? type : [type];
  const bad = list.find(name => !types.includes(name as TypeName));
  if (bad !== undefined || list.length === 0) fail([...path, "type"], `must be among ${types.join(", ")}`);
  const named = [...new Set(list as TypeName[])];
  const nullable = schema["nullable"] === true && !named.includes("null") ? [...named, "null" as const] : named;
  return nullable.includes("number") ? nullable.filter(name => name !== "integer") : nullable;
}
