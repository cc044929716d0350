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

/** The keywords that are enforced. Others are annotations, as the specification has it, but for those that follow. */
const enforced = new Set(
  "$ref type enum const not anyOf oneOf allOf if then else properties required additionalProperties patternProperties propertyNames minProperties maxProperties dependentRequired dependentSchemas dependencies unevaluatedProperties unevaluatedItems items prefixItems additionalItems minItems maxItems uniqueItems contains minContains maxContains minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split(
    " ",
  ),
);

const refused = ["$dynamicRef", "$recursiveRef"];

export function fail(path: Path, message: string): never {
  throw new GrammarError(message, path);
}

type Shape = readonly [fits: (value: unknown) => boolean, message: string];
const isText = (value: unknown): boolean => typeof value === "string";
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const shapes: readonly (readonly [names: string, ...Shape])[] = [
  ["pattern format", isText, "must be a string"],
  ["enum anyOf oneOf allOf prefixItems required", Array.isArray, "must be a list"],
  ["properties patternProperties dependentSchemas dependencies", isObject, "must be an object"],
  ["dependentRequired", value => isObject(value) && Object.values(value).every(isTexts), "must be an object of lists of names"],
  ["minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains", isCount, "must be a whole number from 0 on"],
  ["minimum maximum multipleOf", Number.isFinite, "must be a number"],
  ["exclusiveMinimum exclusiveMaximum", value => Number.isFinite(value) || typeof value === "boolean", "must be a number"],
  ["uniqueItems", value => typeof value === "boolean", "must be true or false"],
];
const shapeOf = new Map(shapes.flatMap(([names, ...shape]) => names.split(" ").map(name => [name, shape as Shape] as const)));

/** The schema as an object whose keywords are what they should be and can be enforced. */
export function checked({ schema, path }: Placed): Schema {
  if (!isObject(schema)) fail(path, "must be a schema: an object or a boolean");
  const given = schema as Schema;
  for (const name of Object.keys(given)) {
    if (refused.includes(name)) fail([...path, name], "is a keyword that cannot be enforced");
    const shape = shapeOf.get(name);
    if (shape && !shape[0](given[name])) fail([...path, name], shape[1]);
  }
  namesAt(given, "required", path);
  if (given["type"] !== undefined) typesOf(given, path);
  return given;
}

/** The keywords that narrow down the values. */
export function keywords(schema: Schema): string[] {
  return Object.keys(schema).filter(name => enforced.has(name));
}

/** Values of one keyword that all hold; no JSON is one of these. */
export class Together {
  constructor(readonly values: readonly unknown[]) {}
}

/** One of a flat schema's alternatives, with its place. */
export class Alternative implements Placed {
  constructor(
    readonly schema: unknown,
    readonly path: Path,
  ) {}
}

export function valuesAt(schema: Schema, name: string): readonly unknown[] {
  const value = schema[name];
  return value === undefined ? [] : value instanceof Together ? value.values : [value];
}

/** The values that a flat schema's `not` leaves out. */
export function excludedBy(schema: Schema): readonly unknown[] {
  return valuesAt(schema, "not").flatMap(not => ((not as Schema)["enum"] as unknown[] | undefined) ?? []);
}

export function textsAt(schema: Schema, name: string, path: Path): readonly string[] {
  return valuesAt(schema, name).map(value => (typeof value === "string" ? value : fail([...path, name], "must be a string")));
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
export function resolve(root: unknown, given: string, path: Path): Placed {
  const reference = withinItself(root, given);
  if (!reference.startsWith("#")) fail([...path, "$ref"], `leads out of the schema, to ${JSON.stringify(reference.slice(0, 200))}`);
  if (reference !== "#" && !reference.startsWith("#/")) return { schema: anchored(root, reference.slice(1), path), path };
  const parts = reference
    .split("/")
    .slice(1)
    .map(part => decoded(part, path).replaceAll("~1", "/").replaceAll("~0", "~"));
  let schema = root;
  for (const part of parts) {
    const next: unknown = typeof schema === "object" && schema !== null && Object.hasOwn(schema, part) ? (schema as Schema)[part] : undefined;
    schema = next ?? fail([...path, "$ref"], `leads to nothing: ${JSON.stringify(reference.slice(0, 200))}`);
  }
  return { schema, path: parts };
}

function decoded(part: string, path: Path): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return fail([...path, "$ref"], `is no reference: ${JSON.stringify(part.slice(0, 200))}`);
  }
}

/** A reference to the document by its own address becomes one from within. */
function withinItself(root: unknown, reference: string): string {
  const { $id, id } = (isObject(root) ? root : {}) as Schema;
  const own = [$id, id].find(name => typeof name === "string" && name !== "" && reference.split("#")[0] === name.replace(/#$/, ""));
  return own === undefined ? reference : `#${reference.split("#")[1] ?? ""}`;
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
  propertyNames: "object",
  unevaluatedProperties: "object",
  minProperties: "object",
  maxProperties: "object",
  items: "array",
  prefixItems: "array",
  minItems: "array",
  maxItems: "array",
  uniqueItems: "array",
  contains: "array",
  unevaluatedItems: "array",
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
