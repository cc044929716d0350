// Tables of a route's body fields, each with its fate. Validation, the OpenAPI page and tests read the same table.
import Type, { type Static, type TSchema } from "typebox";
import { ApiError } from "../chat/error.ts";
import { fieldName } from "../util/field-name.ts";
import { check, type Problem } from "./check.ts";
import { isObject } from "../util/json.ts";

/**
 * works: changes the answer as documented (values a schema does not allow are refused by name).
 * accepted: checked, but cannot change an answer here. refused: answered with 400 `unsupported_parameter` whatever its value.
 */
export type Fate = "works" | "accepted" | "refused";

export interface Field<S extends TSchema = TSchema> {
  readonly fate: Fate;
  readonly schema: S;
  readonly byOwner?: boolean; // checked item by item by who decodes it
}

export type Fields = Readonly<Record<string, Field>>;

/** The checked body of a route: absent and null are the same. */
export type Body<F extends Fields> = { readonly [Name in keyof F]?: Static<F[Name]["schema"]> };

export const works = <S extends TSchema>(schema: S, more: Pick<Field, "byOwner"> = {}): Field<S> => ({ fate: "works", schema, ...more });
export const accepted = <S extends TSchema>(schema: S): Field<S> => ({ fate: "accepted", schema });
export const refused = (reason: string): Field => ({
  fate: "refused",
  schema: Type.Null({ description: `Refused: ${reason}.`, "x-refused": reason }),
});

/** The table as one JSON schema, for the OpenAPI document. */
export function bodySchema(fields: Fields, required: readonly string[]): TSchema {
  const properties = Object.entries(fields).map(([name, { schema }]) => [name, required.includes(name) ? schema : Type.Optional(schema)]);
  return Type.Object(Object.fromEntries(properties), {
    description: "null is the same as absence. Fields that are not listed are ignored and named in the response header x-pippin-ignored.",
  });
}

/** The fields that are set, each within its schema. Throws ApiError 400 naming the first that is not; names unknown ones in `ignored`. */
export function checkBody<B>(value: unknown, fields: Fields, required: readonly string[], ignored: Set<string>): B {
  if (!isObject(value)) refuse({ path: [], code: "invalid_type", message: "must be a JSON object" });
  const body: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) ignored.add(name);
    else if (part !== null) body[name] = checkField(name, field, part);
  }
  const missing = required.find(name => !Object.hasOwn(body, name));
  if (missing) refuse({ path: [missing], code: "missing_required_parameter", message: "is required" });
  return body as B;
}

function checkField(name: string, { fate, schema, byOwner }: Field, value: unknown): unknown {
  if (fate === "refused")
    refuse({ path: [name], code: "unsupported_parameter", message: `is not supported: ${(schema as { "x-refused"?: string })["x-refused"]}` });
  const problem = byOwner ? undefined : check(schema, value);
  if (problem) refuse({ ...problem, path: [name, ...problem.path] });
  return value;
}

export function refuse(problem: Problem): never {
  const param = fieldName(problem.path);
  throw new ApiError(400, param ? `'${param}' ${problem.message}.` : `The body ${problem.message}.`, { code: problem.code, param });
}
