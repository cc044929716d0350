// A JSON schema as a grammar of the texts whose value it allows: compact or indented, properties in the schema's order.
// It may allow fewer texts than the schema has values, never more. What cannot be held to is refused by name.
import type { Budget } from "../error.ts";
import { valueRule } from "../json.ts";
import { call, choice, nothing, rule, text, type Node, type Rule } from "../node.ts";
import { arrayNode } from "./arrays.ts";
import type { Context } from "./context.ts";
import { Flattener } from "./flat.ts";
import { integerNode, numberNode } from "./numbers.ts";
import { objectNode } from "./objects.ts";
import { checked, fail, keywords, typesOf, type Path, type Placed, type Schema, type TypeName } from "./read.ts";
import { stringNode } from "./strings.ts";

const MAX_DEPTH = 100;

/** Throws GrammarError with the path of the keyword at fault. */
export function schemaNode(root: unknown, budget: Budget): Node {
  return new Compiler(root, budget).valueOf({ schema: root, path: [] });
}

/** A part of a schema, whose references are about the whole. */
export function partNode(root: unknown, part: Placed, budget: Budget): Node {
  return new Compiler(root, budget).valueOf(part);
}

class Compiler implements Context {
  readonly flattener: Flattener;
  private readonly known = new Map<unknown, Node>();
  private readonly open = new Map<unknown, Rule>(); // those whose nodes are being made
  private depth = 0;

  constructor(
    root: unknown,
    readonly budget: Budget,
  ) {
    this.flattener = new Flattener(root, budget);
  }

  readonly valueOf = (placed: Placed): Node => {
    this.budget.spend(200);
    if (placed.schema === true) return call(valueRule);
    if (placed.schema === false) return nothing;
    const schema = checked(placed);
    return this.once(schema, placed.path, () =>
      keywords(schema).join() === "$ref" ? this.reference(schema, placed.path) : choice(this.flattener.branches(placed).map(this.plain)),
    );
  };

  /** Each schema is compiled once; one that contains itself becomes a rule. */
  private once(schema: Schema, path: Path, make: () => Node): Node {
    const known = this.known.get(schema);
    if (known) return known;
    const open = this.open.get(schema);
    if (open) {
      if (!this.known.has(open)) this.known.set(open, nothing); // it is called
      return call(open);
    }
    if (++this.depth > MAX_DEPTH) fail(path.slice(0, 20), "is nested too deeply, or without end");
    const own = rule("schema");
    this.open.set(schema, own);
    own.body = make();
    this.open.delete(schema);
    this.depth--;
    const node = this.known.delete(own) ? call(own) : own.body;
    this.known.set(schema, node);
    return node;
  }

  private reference(schema: Schema, path: Path): Node {
    const node = this.valueOf(this.flattener.target(schema, path));
    return node.type === "rule" ? node : call(rule(String(schema["$ref"]), node));
  }

  /** A schema without anything that combines. */
  private readonly plain = ({ schema: given, path }: Placed): Node => {
    const schema = given as Schema;
    if (schema["enum"] !== undefined) return this.literals(schema, path);
    return choice(typesOf(schema, path).map(type => call(rule(type, this.typed(type, schema, path)))));
  };

  private literals(schema: Schema, path: Path): Node {
    const { enum: values, ...beside } = schema as Schema & { readonly enum: readonly unknown[] };
    const allowed = values.filter(value => {
      const verdict = this.flattener.holds(value, beside);
      return verdict ?? fail([...path, "enum"], `cannot be enforced: whether ${JSON.stringify(value).slice(0, 100)} is allowed`);
    });
    const texts = allowed.map(value => JSON.stringify(value));
    this.budget.spend(texts.reduce((sum, each) => sum + 10 * each.length, 0));
    return call(rule("enum", choice([...new Set(texts)].map(text))));
  }

  private typed(type: TypeName, schema: Schema, path: Path): Node {
    switch (type) {
      case "null":
      case "boolean": {
        const values = type === "null" ? [null] : [true, false];
        return choice(values.filter(value => this.flattener.holds(value, schema)).map(value => text(JSON.stringify(value))));
      }
      case "integer":
        return integerNode(schema, path, this.budget);
      case "number":
        return numberNode(schema, path, this.budget);
      case "string":
        return stringNode(schema, path, this.budget);
      case "array":
        return arrayNode(schema, path, this);
      case "object":
        return objectNode(schema, path, this);
    }
  }
}
