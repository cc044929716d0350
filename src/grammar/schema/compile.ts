// A JSON schema as a grammar of the texts whose value it allows: compact or indented, properties in the schema's order.
// It may allow fewer texts than the schema has values, never more. What cannot be held to exactly is refused by name.
import type { Budget } from "../error.ts";
import { comma, listed, valueRule } from "../json.ts";
import { call, choice, empty, nothing, optional, rule, sequence, text, type Node, type Rule } from "../node.ts";
import { apart } from "./disjoint.ts";
import { merge } from "./merge.ts";
import { integerNode, numberNode } from "./numbers.ts";
import { objectNode } from "./objects.ts";
import { checked, countAt, fail, keywords, listAt, resolve, typesOf, type Path, type Placed, type Schema, type TypeName } from "./read.ts";
import { stringNode } from "./strings.ts";
import { isObject } from "../../util/json.ts";

const MAX_DEPTH = 100;

/** Throws GrammarError with the path of the keyword at fault. */
export function schemaNode(root: unknown, budget: Budget): Node {
  return new Compiler(root, budget).valueOf({ schema: root, path: [] });
}

/** A part of a schema, whose references are about the whole. */
export function partNode(root: unknown, part: Placed, budget: Budget): Node {
  return new Compiler(root, budget).valueOf(part);
}

class Compiler {
  private readonly references = new Map<unknown, Rule>();
  private depth = 0;

  constructor(
    private readonly root: unknown,
    private readonly budget: Budget,
  ) {}

  readonly valueOf = (placed: Placed): Node => {
    this.budget.spend(200);
    if (placed.schema === true) return call(valueRule);
    if (placed.schema === false) return nothing;
    if (++this.depth > MAX_DEPTH) fail(placed.path.slice(0, 20), "is nested too deeply, or without end");
    const schema = checked(placed);
    const node = keywords(schema).join() === "$ref" ? this.reference(schema, placed.path) : this.node(schema, placed.path);
    this.depth--;
    return node;
  };

  /** A rule per referenced schema, so that schemas may contain themselves. */
  private reference(schema: Schema, path: Path): Node {
    const target = this.target(schema, path);
    const known = this.references.get(target.schema);
    if (known) return call(known);
    const made = rule(String(schema["$ref"]));
    this.references.set(target.schema, made);
    made.body = this.valueOf(target);
    return call(made);
  }

  private target(schema: Schema, path: Path): Placed {
    const reference = schema["$ref"];
    return typeof reference === "string" ? resolve(this.root, reference, path) : fail([...path, "$ref"], "must be a string");
  }

  private node(given: Schema, path: Path): Node {
    const schema = this.flat(given, path);
    if (schema === undefined) return nothing;
    for (const name of ["anyOf", "oneOf"] as const) if (schema[name] !== undefined) return this.alternatives(schema, name, path);
    if (Object.hasOwn(schema, "const") || schema["enum"] !== undefined) return this.literals(schema, path);
    return choice(typesOf(schema, path).map(type => call(rule(type, this.typed(type, schema, path)))));
  }

  /** With `allOf`, and `$ref` beside other keywords, merged in; undefined when nothing is allowed. */
  private flat(given: Schema, path: Path): Schema | undefined {
    let { $ref, allOf, ...schema } = given as { readonly $ref?: unknown; readonly allOf?: unknown } & Schema;
    const parts = [
      ...($ref === undefined ? [] : [this.target(given, path)]),
      ...(listAt(given, "allOf", path) ?? []).map((part, i) => ({ schema: part, path: [...path, "allOf", i] })),
    ];
    for (const part of parts) {
      this.budget.spend(200);
      if (part.schema === true) continue;
      if (part.schema === false) return undefined;
      if (++this.depth > MAX_DEPTH) fail(path.slice(0, 20), "is nested too deeply, or without end");
      const flat = this.flat(checked(part), part.path);
      this.depth--;
      if (flat === undefined) return undefined;
      schema = merge(schema, flat, part.path);
    }
    return schema;
  }

  /** Keywords beside the alternatives hold for each of them. */
  private alternatives(schema: Schema, name: "anyOf" | "oneOf", path: Path): Node {
    const { [name]: listed, ...base } = schema;
    const options = listAt(schema, name, path)!.map((option, i): Placed => ({ schema: option, path: [...path, name, i] }));
    const merged = options.map(({ schema: option, path: place }): Placed => {
      if (typeof option === "boolean") return { schema: option ? base : false, path: place };
      const own = checked({ schema: option, path: place });
      return { schema: keywords(base).length === 0 ? own : merge(base, this.flat(own, place) ?? { enum: [] }, place), path: place };
    });
    if (name === "oneOf") this.checkApart(merged, path);
    return choice(merged.map(this.valueOf));
  }

  private checkApart(options: readonly Placed[], path: Path): void {
    const resolved = (schema: unknown): Schema | undefined =>
      typeof schema === "object" && schema !== null ? this.flat(schema as Schema, path) : undefined;
    const flat = options.map(({ schema }) => resolved(schema));
    for (const [i, own] of flat.entries())
      for (const [j, other] of flat.entries()) {
        this.budget.spend(100);
        if (i === j || !own || !other) continue;
        if (!apart(own, other, path, resolved))
          fail([...path, "oneOf"], `cannot be enforced: alternatives ${Math.min(i, j)} and ${Math.max(i, j)} may both hold; use anyOf`);
      }
  }

  private literals(schema: Schema, path: Path): Node {
    const listed = listAt(schema, "enum", path);
    const values = Object.hasOwn(schema, "const")
      ? [schema["const"]].filter(value => !listed || listed.some(other => JSON.stringify(other) === JSON.stringify(value)))
      : listed!;
    const beside = keywords(schema).find(name => !["enum", "const", "type"].includes(name));
    if (beside !== undefined) fail([...path, beside], "cannot be enforced beside enum or const");
    const types = schema["type"] === undefined ? undefined : typesOf(schema, path);
    const texts = values.filter(value => !types || types.some(type => hasType(value, type))).map(value => JSON.stringify(value));
    this.budget.spend(texts.reduce((sum, each) => sum + 10 * each.length, 0));
    return call(rule("enum", choice([...new Set(texts)].map(text))));
  }

  private typed(type: TypeName, schema: Schema, path: Path): Node {
    switch (type) {
      case "null":
        return text("null");
      case "boolean":
        return choice([text("true"), text("false")]);
      case "integer":
        return integerNode(schema, path, this.budget);
      case "number":
        return numberNode(schema, path, this.budget);
      case "string":
        return stringNode(schema, path, this.budget);
      case "array":
        return this.array(schema, path);
      case "object":
        return objectNode(schema, path, { budget: this.budget, valueOf: this.valueOf });
    }
  }

  private array(schema: Schema, path: Path): Node {
    const min = countAt(schema, "minItems", path) ?? 0;
    const max = countAt(schema, "maxItems", path) ?? Infinity;
    if (schema["uniqueItems"] === true && max > 1) fail([...path, "uniqueItems"], "cannot be enforced");
    const first = Array.isArray(schema["items"]) ? "items" : "prefixItems"; // drafts before 2020 have the list there
    const further = first === "items" ? "additionalItems" : "items";
    const prefix = listAt(schema, first, path) ?? [];
    if (min > max) return nothing;
    const items = prefix.slice(0, max).map((item, i) => this.valueOf({ schema: item, path: [...path, first, i] }));
    const open = prefix.length < max ? this.valueOf({ schema: schema[further] ?? prefix.length === 0, path: [...path, further] }) : nothing;
    const own = rule("item", sequence(comma, open));
    let rest = call(own, Math.max(0, min - prefix.length), Math.max(0, max - prefix.length));
    for (let i = items.length - 1; i > 0; i--) {
      const tail = sequence(comma, items[i]!, rest);
      rest = i < min ? tail : optional(tail);
    }
    const whole = items.length > 0 ? sequence(items[0]!, rest) : max === 0 ? empty : sequence(open, call(own, Math.max(0, min - 1), max - 1));
    return listed("[", min === 0 ? optional(whole) : whole, "]");
  }
}

function hasType(value: unknown, type: TypeName): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
