// Real schemas (corpus/collect.py), the JSON Schema project's own test cases, and an independent validator for both.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { isObject } from "../../src/util/json.ts";

export interface Real {
  readonly kind: string;
  readonly source: string;
  readonly licence: string;
  readonly schema: object;
}

/** A case of the official suite for draft 2020-12 (MIT, Julian Berman): values, and whether they are the schema's. */
export interface Official {
  readonly file: string;
  readonly description: string;
  readonly schema: unknown;
  readonly tests: readonly (readonly [value: unknown, valid: boolean])[];
}

function lines<T>(name: string): T[] {
  const text = readFileSync(join(import.meta.dir, "corpus", name), "utf8");
  return text
    .trim()
    .split("\n")
    .map(line => JSON.parse(line) as T);
}

export const corpus: readonly Real[] = lines("schemas.jsonl");
export const suite: readonly Official[] = lines("suite.jsonl");

const options = { strict: false, validateFormats: true, validateSchema: false, logger: false } as const;

/** What is wrong with a value, or undefined. Formats count. */
export function validator(schema: unknown): (value: unknown) => string | undefined {
  const isNew = /"(prefixItems|\$defs|dependent(Schemas|Required)|unevaluated\w+)"|2020-12/.test(JSON.stringify(schema));
  const ajv = isNew ? new Ajv2020(options) : new Ajv(options);
  addFormats.default(ajv as never);
  const validate = ajv.compile(modern(schema) as object);
  return value => (validate(value) ? undefined : ajv.errorsText(validate.errors));
}

/** Without the names of drafts that the validator does not know, and with draft 4's exclusive bounds as later drafts write them. */
function modern(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(modern);
  if (!isObject(schema)) return schema;
  const made = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, modern(value)]));
  if (typeof made["$schema"] === "string") delete made["$schema"];
  if (typeof made["id"] === "string") delete made["id"];
  for (const bound of ["Minimum", "Maximum"]) {
    const flag = made[`exclusive${bound}`];
    if (typeof flag !== "boolean") continue;
    delete made[`exclusive${bound}`];
    if (!flag) continue;
    made[`exclusive${bound}`] = made[bound.toLowerCase()];
    delete made[bound.toLowerCase()];
  }
  return made;
}
