// Arguments that are written one by one, each between its own tags, in the order of the schema: strings as they are, other values as JSON.
import type { Tool } from "../chat/types.ts";
import type { ParameterSyntax } from "../parsers/syntax.ts";
import { naming, type Budget } from "./error.ts";
import { choice, optional, sequence, text, type Node } from "./node.ts";
import { partNode } from "./schema/compile.ts";
import { checked, fail, keywords, namesAt, resolve, schemasAt, typesOf, type Placed, type Schema } from "./schema/read.ts";
import { plainText, type Write } from "./writing.ts";

export function parametersNode(tool: Tool, { before, after }: ParameterSyntax, write: Write, budget: Budget): Node {
  return naming(tool.name, () => {
    const schema = checked({ schema: tool.parameters ?? {}, path: [] });
    const odd = keywords(schema).find(name => !["type", "properties", "required", "additionalProperties"].includes(name));
    if (odd !== undefined) fail([odd], "cannot be enforced in this model's format of calls");
    const properties = schemasAt(schema, "properties", []);
    const required = namesAt(schema, "required", []);
    const missing = required.find(name => !Object.hasOwn(properties, name));
    if (missing !== undefined) fail(["required"], `names ${JSON.stringify(missing)}, which is not declared`);
    const end = /<[^<>]+>/.exec(after)?.[0] ?? after; // what a reader looks for behind a value
    const parts = Object.entries(properties).map(([name, value]) => {
      const written = sequence(
        write(before(name)),
        valueNode({ root: schema, end, budget }, { schema: value, path: ["properties", name] }),
        write(after),
      );
      return required.includes(name) ? written : optional(written);
    });
    return sequence(...parts);
  });
}

const MAX_DEPTH = 20;

interface ValueContext {
  readonly root: Schema;
  readonly end: string;
  readonly budget: Budget;
}

/** A string is written as it is, everything else as JSON: what allows no string is compiled as any schema. */
function valueNode(context: ValueContext, placed: Placed, depth = 0): Node {
  const { root, end, budget } = context;
  if (!takesStrings(context, placed, depth)) return partNode(root, placed, budget);
  const { schema, path } = resolved(root, placed);
  if (schema === true) return plainText(end, budget);
  const own = schema as Schema;
  const values = valuesOf(own);
  if (values) {
    refuseBeside(own, path, ["enum", "const", "type"]);
    return choice(values.map(value => text(typeof value === "string" ? value : JSON.stringify(value))));
  }
  if (own["$ref"] !== undefined) refuseBeside(own, path, ["$ref"]);
  const name = (["anyOf", "oneOf"] as const).find(each => Array.isArray(own[each]));
  if (name === undefined) {
    const narrowing = keywords(own).find(each => ["pattern", "format", "minLength", "maxLength", "not", "if", "allOf"].includes(each));
    if (narrowing !== undefined) fail([...path, narrowing], "cannot be enforced in this model's format of calls, which writes strings as they are");
    return plainText(end, budget); // any text is a string, whatever else the schema allows
  }
  refuseBeside(own, path, [name]);
  const options = (own[name] as readonly unknown[]).map((option, i): Placed => ({ schema: option, path: [...path, name, i] }));
  const texts = options.filter(option => takesStrings(context, option, depth + 1));
  if (name === "oneOf" && texts.length > 1) fail(texts[1]!.path, "cannot be enforced beside another string in this model's format of calls");
  const others = { [name]: options.map(option => (texts.includes(option) ? false : option.schema)) };
  const rest = texts.length < options.length ? [partNode(root, { schema: others, path }, budget)] : [];
  return choice([...texts.map(option => valueNode(context, option, depth + 1)), ...rest]);
}

function takesStrings(context: ValueContext, placed: Placed, depth: number): boolean {
  const { root, budget } = context;
  budget.spend(100);
  if (depth > MAX_DEPTH) fail(placed.path.slice(0, MAX_DEPTH), "is nested too deeply, or without end");
  const { schema, path } = resolved(root, placed);
  if (typeof schema === "boolean") return schema;
  const values = valuesOf(schema);
  if (values) return values.some(value => typeof value === "string");
  const within = (part: unknown): boolean => takesStrings(context, { schema: part, path }, depth + 1);
  if (typeof schema["$ref"] === "string") return within(resolve(root, schema["$ref"], path).schema);
  const alternatives = [schema["anyOf"], schema["oneOf"]].filter(Array.isArray);
  return typeAllows(schema, path) && alternatives.every(options => options.some(within));
}

/** Without a type and with alternatives, they tell. */
function typeAllows(schema: Schema, path: Placed["path"]): boolean {
  const open = schema["type"] === undefined && (schema["anyOf"] !== undefined || schema["oneOf"] !== undefined);
  return open || typesOf(schema, path).includes("string");
}

function valuesOf(schema: Schema): readonly unknown[] | undefined {
  if (Array.isArray(schema["enum"])) return schema["enum"];
  return Object.hasOwn(schema, "const") ? [schema["const"]] : undefined;
}

function refuseBeside(schema: Schema, path: Placed["path"], known: readonly string[]): void {
  const beside = keywords(schema).find(name => !known.includes(name));
  if (beside !== undefined) fail([...path, beside], `cannot be enforced beside ${known[0]} in this model's format of calls`);
}

/** Behind references, and behind an allOf of one, where nothing stands beside them. */
function resolved(root: Schema, placed: Placed): { readonly schema: Schema | boolean; readonly path: Placed["path"] } {
  let { schema, path } = placed;
  for (let hops = 0; hops < MAX_DEPTH; hops++) {
    if (typeof schema === "boolean") return { schema, path };
    const own = checked({ schema, path });
    const [only, ...more] = Array.isArray(own["allOf"]) ? own["allOf"] : [];
    if (keywords(own).join() === "allOf" && more.length === 0) [schema, path] = [only, [...path, "allOf", 0]];
    else if (keywords(own).join() === "$ref" && typeof own["$ref"] === "string") ({ schema, path } = resolve(root, own["$ref"], path));
    else return { schema: own, path };
  }
  return fail(path, "refers to itself without end");
}
