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
      const written = sequence(write(before(name)), valueNode(schema, { schema: value, path: ["properties", name] }, end, budget), write(after));
      return required.includes(name) ? written : optional(written);
    });
    return sequence(...parts);
  });
}

function valueNode(root: Schema, placed: Placed, after: string, budget: Budget): Node {
  const { schema, path } = resolved(root, placed);
  if (typeof schema !== "object") return schema ? plainText(after, budget) : partNode(root, placed, budget);
  const own = checked({ schema, path });
  const values = Array.isArray(own["enum"]) ? own["enum"] : Object.hasOwn(own, "const") ? [own["const"]] : undefined;
  const beside = values && keywords(own).find(name => !["enum", "const", "type"].includes(name));
  if (beside !== undefined) fail([...path, beside], "cannot be enforced beside enum or const in this model's format of calls");
  if (values) return choice(values.map(value => text(typeof value === "string" ? value : JSON.stringify(value))));
  const options = (["anyOf", "oneOf"] as const).flatMap(name =>
    Array.isArray(own[name]) ? own[name].map((option, i): Placed => ({ schema: option, path: [...path, name, i] })) : [],
  );
  if (options.length > 0) return choice(options.map(option => valueNode(root, option, after, budget)));
  const types = typesOf(own, path);
  if (!types.includes("string")) return partNode(root, placed, budget);
  const narrowing = keywords(own).find(name => ["pattern", "format", "minLength", "maxLength", "not", "if", "allOf"].includes(name));
  if (narrowing !== undefined) fail([...path, narrowing], "cannot be enforced in this model's format of calls, which writes strings as they are");
  return plainText(after, budget); // any text is a string, whatever else the schema allows
}

function resolved(root: Schema, placed: Placed): { readonly schema: object | boolean; readonly path: Placed["path"] } {
  let { schema, path } = placed;
  for (let hops = 0; hops < 20; hops++) {
    if (typeof schema === "boolean") return { schema, path };
    const own = checked({ schema, path });
    const [only, ...more] = Array.isArray(own["allOf"]) ? own["allOf"] : [];
    if (keywords(own).join() === "allOf" && more.length === 0) [schema, path] = [only, [...path, "allOf", 0]];
    else if (typeof own["$ref"] === "string") ({ schema, path } = resolve(root, own["$ref"], path));
    else return { schema: own, path };
  }
  return fail(path, "refers to itself without end");
}
