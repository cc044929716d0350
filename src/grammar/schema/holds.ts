// Whether a value is one of a schema's: for the values that schemas list. Undefined where only the text could tell.
import { isObject } from "../../util/json.ts";
import { same } from "./merge.ts";
import { Alternative, keywords, valuesAt, type Schema, type TypeName } from "./read.ts";

export type Verdict = boolean | undefined;
type Resolve = (reference: string) => unknown;

export function holds(value: unknown, schema: unknown, resolve: Resolve, depth = 0): Verdict {
  if (typeof schema === "boolean") return schema;
  if (!isObject(schema) || depth > 50) return undefined;
  const own = schema as Schema;
  const at = (inner: unknown, part: unknown): Verdict => holds(inner, part, resolve, depth + 1);
  return every(keywords(own).flatMap(name => valuesAt(own, name).map(asked => keyword(name, asked, value, own, at, resolve))));
}

export function hasType(value: unknown, type: TypeName): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  return type === "integer" ? Number.isInteger(value) : typeof value === type;
}

const every = (verdicts: readonly Verdict[]): Verdict => (verdicts.includes(false) ? false : verdicts.includes(undefined) ? undefined : true);
const some = (verdicts: readonly Verdict[]): Verdict => (verdicts.includes(true) ? true : verdicts.includes(undefined) ? undefined : false);
const opposite = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);
const one = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.filter(verdict => verdict === true).length > 1 ? false : verdicts.includes(undefined) ? undefined : verdicts.includes(true);

type At = (value: unknown, schema: unknown) => Verdict;

/** One keyword's verdict. */
function keyword(name: string, asked: unknown, value: unknown, schema: Schema, at: At, resolve: Resolve): Verdict {
  switch (name) {
    case "$ref":
      return typeof asked === "string" ? at(value, resolve(asked)) : undefined;
    case "type":
      return [asked].flat().some(type => hasType(value, type as TypeName)) || (schema["nullable"] === true && value === null);
    case "enum":
      return (asked as unknown[]).some(each => same(each, value));
    case "const":
      return same(asked, value);
    case "not":
      return opposite(at(value, asked));
    case "anyOf":
      return some(parts(asked).map(part => at(value, part)));
    case "oneOf":
      return one(parts(asked).map(part => at(value, part)));
    case "allOf":
      return every(parts(asked).map(part => at(value, part)));
    case "if": {
      const verdict = at(value, asked);
      return verdict === undefined ? undefined : at(value, schema[verdict ? "then" : "else"] ?? true);
    }
    case "then":
    case "else":
      return true;
  }
  if (typeof value === "string") return textHolds(name, asked, value);
  if (typeof value === "number") return numberHolds(name, asked, value);
  if (Array.isArray(value)) return arrayHolds(name, asked, value, at);
  return isObject(value) ? objectHolds(name, asked, value as Schema, at) : true;
}

/** A flat schema's alternatives know their places. */
const parts = (asked: unknown): readonly unknown[] => (asked as unknown[]).map(part => (part instanceof Alternative ? part.schema : part));

function textHolds(name: string, asked: unknown, value: string): Verdict {
  if (name === "minLength") return Array.from(value).length >= Number(asked);
  if (name === "maxLength") return Array.from(value).length <= Number(asked);
  if (name === "format") return undefined;
  if (name !== "pattern") return true;
  try {
    return new RegExp(String(asked), "u").test(value);
  } catch {
    return undefined; // another dialect
  }
}

function numberHolds(name: string, asked: unknown, value: number): Verdict {
  if (name === "multipleOf") return Number.isInteger(asked) && Number.isInteger(value) ? value % Number(asked) === 0 : undefined;
  if (typeof asked === "boolean") return undefined; // draft 4
  if (name === "minimum") return value >= Number(asked);
  if (name === "maximum") return value <= Number(asked);
  if (name === "exclusiveMinimum") return value > Number(asked);
  if (name === "exclusiveMaximum") return value < Number(asked);
  return name === "format" ? undefined : true;
}

function arrayHolds(name: string, asked: unknown, value: readonly unknown[], at: At): Verdict {
  if (name === "minItems") return value.length >= Number(asked);
  if (name === "maxItems") return value.length <= Number(asked);
  if (name === "contains") return some(value.map(item => at(item, asked)));
  const speaks = ["items", "prefixItems", "additionalItems", "uniqueItems", "minContains", "maxContains", "unevaluatedItems"].includes(name);
  return speaks && asked !== false && value.length > 0 ? undefined : true;
}

function objectHolds(name: string, asked: unknown, value: Schema, at: At): Verdict {
  const names = Object.keys(value);
  if (name === "minProperties") return names.length >= Number(asked);
  if (name === "maxProperties") return names.length <= Number(asked);
  if (name === "required") return (asked as string[]).every(each => Object.hasOwn(value, each));
  if (name === "propertyNames") return every(names.map(each => at(each, asked)));
  if (name === "properties")
    return every(names.filter(each => Object.hasOwn(asked as Schema, each)).map(each => at(value[each], (asked as Schema)[each])));
  const speaks = /Properties$|^dependen/.test(name);
  return speaks && names.length > 0 ? undefined : true;
}
