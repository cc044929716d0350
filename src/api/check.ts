// Holds a JSON value against a schema and names the first thing that is wrong, with the place where it stands.
// Covers the keywords our schemas use. A schema library walks all of a bad body before it answers (seconds for a body of 32 MB) and
// says of a union only that nothing matched; this stops at the first problem and says which alternative was meant.
import type { TSchema } from "typebox";
import { isObject } from "../util/json.ts";

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly code: "invalid_type" | "invalid_value" | "missing_required_parameter" | "unsupported_parameter";
  readonly message: string; // completes "'<field>' …"
}

/**
 * The part of a JSON schema that `check` reads. `x-refused` says why a value outside the schema, known to OpenAI, is not served here;
 * on a union, `x-refused-types` says it of alternatives by their tag. `x-form` says in words what a pattern asks of a text or of names.
 */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly maxProperties?: number;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly "x-form"?: string;
  readonly "x-refused"?: string;
  readonly "x-refused-types"?: Readonly<Record<string, string>>;
}

/** The first problem of a value, or undefined when the schema allows it. */
export function check(schema: TSchema, value: unknown): Problem | undefined {
  return checkValue(schema as Schema, value);
}

function checkValue(schema: Schema, value: unknown): Problem | undefined {
  const problem = checkPlain(schema, value);
  const reason = schema["x-refused"];
  return problem && reason ? { ...problem, code: "unsupported_parameter", message: `${problem.message}: ${reason}` } : problem;
}

function checkPlain(schema: Schema, value: unknown): Problem | undefined {
  if (schema.anyOf) return checkTagged(schema, value) ?? checkUnion(schema.anyOf, value);
  const allowed = schema.enum ?? ("const" in schema ? [schema.const] : undefined);
  if (allowed && !allowed.includes(value))
    return wrong("invalid_value", `must be ${allowed.map(v => JSON.stringify(v)).join(" or ")}, not ${nameOf(value)}`);
  if (!hasType(schema, value)) return wrong("invalid_type", `must be ${typeName(schema)}, not ${nameOf(value)}`);
  if (typeof value === "number") return checkNumber(schema, value);
  if (typeof value === "string") return checkString(schema, value);
  if (Array.isArray(value)) return checkArray(schema, value);
  if (isObject(value)) return checkObject(schema, value);
  return undefined;
}

/** The problem of a tag that no alternative has, where all objects of a union are told apart by one property. */
function checkTagged({ anyOf = [], "x-refused-types": refused = {} }: Schema, value: unknown): Problem | undefined {
  const objects = anyOf.filter(option => option.type === "object");
  const tag = ["type", "role"].find(name => objects.length > 0 && objects.every(option => tagsOf(option, name).length > 0));
  if (tag === undefined || !isObject(value) || !isPresent(value, tag)) return undefined;
  const given = value[tag];
  const known = objects.flatMap(option => tagsOf(option, tag));
  if (known.includes(given)) return undefined;
  const reason = typeof given === "string" && Object.hasOwn(refused, given) ? refused[given] : undefined;
  if (reason) return { path: [tag], code: "unsupported_parameter", message: `${nameOf(given)} is not supported: ${reason}` };
  return at(tag, checkValue({ ...objects[0]?.properties?.[tag], enum: known }, given)!);
}

function tagsOf(option: Schema, name: string): readonly unknown[] {
  const property = option.properties?.[name];
  return property?.enum ?? (property && "const" in property ? [property.const] : []);
}

/** A union is judged by the alternative that was meant: one of the value's own type, which fits longest. */
function checkUnion(options: readonly Schema[], value: unknown): Problem | undefined {
  let closest: Problem | undefined;
  let closestFits = false;
  for (const option of options) {
    const problem = checkValue(option, value);
    if (!problem) return undefined;
    if (!hasType(option, value)) continue;
    const fits = !option.items || !Array.isArray(value) || value.length === 0 || hasType(option.items, value[0]);
    if (!closest || (fits && !closestFits) || (fits === closestFits && isFurther(problem.path, closest.path)))
      [closest, closestFits] = [problem, fits];
  }
  return closest ?? wrong("invalid_type", `must be ${[...new Set(options.map(typeName))].join(" or ")}, not ${nameOf(value)}`);
}

function isFurther(path: Problem["path"], than: Problem["path"]): boolean {
  const [part, other] = [path[0], than[0]];
  if (typeof part === "number" && typeof other === "number" && part !== other) return part > other;
  return (other === "type" && part !== "type") || path.length > than.length;
}

function checkNumber(schema: Schema, value: number): Problem | undefined {
  if (schema.minimum !== undefined && value < schema.minimum) return wrong("invalid_value", `must be at least ${schema.minimum}, not ${value}`);
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum)
    return wrong("invalid_value", `must be above ${schema.exclusiveMinimum}, not ${value}`);
  if (schema.maximum !== undefined && value > schema.maximum) return wrong("invalid_value", `must be at most ${schema.maximum}, not ${value}`);
  return undefined;
}

function checkString(schema: Schema, value: string): Problem | undefined {
  if (schema.minLength !== undefined && value.length < schema.minLength) return wrong("invalid_value", "must not be empty");
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    return wrong("invalid_value", `must have at most ${schema.maxLength} characters, not ${value.length}`);
  if (schema.pattern && !new RegExp(schema.pattern).test(value))
    return wrong("invalid_value", `must be ${formOf(schema, schema.pattern)}, not ${nameOf(value)}`);
  return undefined;
}

function checkArray(schema: Schema, value: readonly unknown[]): Problem | undefined {
  if (schema.minItems !== undefined && value.length < schema.minItems)
    return wrong("invalid_value", `must have at least ${schema.minItems} item${schema.minItems === 1 ? "" : "s"}`);
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    return wrong("invalid_value", `must have at most ${schema.maxItems} items, not ${value.length}`);
  if (!schema.items) return undefined;
  for (let i = 0; i < value.length; i++) {
    const problem = checkValue(schema.items, value[i]);
    if (problem) return at(i, problem);
  }
  return undefined;
}

function checkObject(schema: Schema, value: Readonly<Record<string, unknown>>): Problem | undefined {
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    if (!isPresent(value, name)) continue;
    const problem = checkValue(part, value[name]);
    if (problem) return at(name, problem);
  }
  for (const name of schema.required ?? []) {
    if (!isPresent(value, name)) return { path: [name], code: "missing_required_parameter", message: "is required" };
  }
  if (!schema.patternProperties) return undefined;
  const names = Object.keys(value);
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties)
    return wrong("invalid_value", `must have at most ${schema.maxProperties} entries, not ${names.length}`);
  for (const [pattern, part] of Object.entries(schema.patternProperties)) {
    const expected = new RegExp(pattern);
    for (const name of names) {
      const problem = expected.test(name) ? checkValue(part, value[name]) : wrong("invalid_value", `is not ${formOf(schema, pattern)}`);
      if (problem) return at(name, problem);
    }
  }
  return undefined;
}

function formOf({ "x-form": form }: Schema, pattern: string): string {
  return form ?? `a text that matches ${pattern}`;
}

/** OpenAI's clients send null for a field that is not set. */
function isPresent(value: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.hasOwn(value, name) && value[name] !== null && value[name] !== undefined;
}

function hasType(schema: Schema, value: unknown): boolean {
  if (schema.anyOf) return schema.anyOf.some(option => hasType(option, value));
  if (schema.type === undefined) return !schema.enum && !("const" in schema) ? true : typeof value === typeof (schema.enum?.[0] ?? schema.const);
  switch (schema.type) {
    case "integer":
      return Number.isInteger(value);
    case "number":
      return Number.isFinite(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "null":
      return value === null;
    default:
      return typeof value === schema.type;
  }
}

function typeName(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  const type = schema.type ?? typeof (schema.enum?.[0] ?? schema.const);
  if (type === "array" && schema.items) return `a list of ${pluralName(schema.items)}`;
  return type === "array"
    ? "a list"
    : type === "integer"
      ? "a whole number"
      : type === "object"
        ? "an object"
        : type === "null"
          ? "null"
          : `a ${type}`;
}

function pluralName(schema: Schema): string {
  const type = schema.type ?? "object";
  return type === "integer" ? "whole numbers" : type === "array" ? "lists" : `${type}s`;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return Number.isFinite(value) ? `the number ${value}` : "a number too large to hold";
  if (typeof value === "string") return value.length <= 40 ? JSON.stringify(value) : "a string";
  return typeof value === "object" ? "an object" : String(value);
}

function wrong(code: Problem["code"], message: string): Problem {
  return { path: [], code, message };
}

function at(part: string | number, problem: Problem): Problem {
  return { ...problem, path: [part, ...problem.path] };
}
