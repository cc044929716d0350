// Schemas without the keywords that combine schemas: what they say together is written into one, or into several of which one holds.
// Only the schema itself is looked at; those within it, of properties and items, stay as they are.
import type { Budget } from "../error.ts";
import { apart } from "./disjoint.ts";
import { holds } from "./holds.ts";
import { both, merge } from "./merge.ts";
import { alternativesTo, isPlainNot, negation } from "./negate.ts";
import {
  Alternative,
  checked,
  fail,
  keywords,
  listAt,
  namesAt,
  resolve,
  schemasAt,
  Together,
  typesOf,
  valuesAt,
  type Path,
  type Placed,
  type Schema,
} from "./read.ts";

const MAX_DEPTH = 100;
const WITHOUT_END = "is nested too deeply, or without end";

export class Flattener {
  private depth = 0;
  private readonly known = new Map<unknown, Schema | undefined>();

  constructor(
    private readonly root: unknown,
    private readonly budget: Budget,
  ) {}

  /** Schemas of which one holds where the given one does, each without anything that combines. None: nothing is allowed. */
  branches(placed: Placed): Placed[] {
    const flat = this.flat(placed);
    return flat ? this.split(flat, placed.path) : [];
  }

  target(schema: Schema, path: Path): Placed {
    const reference = schema["$ref"];
    return typeof reference === "string" ? resolve(this.root, reference, path) : fail([...path, "$ref"], "must be a string");
  }

  /** Whether a value is one of the schema's. */
  holds(value: unknown, schema: unknown): boolean | undefined {
    return holds(value, schema, reference => resolve(this.root, reference, []).schema);
  }

  private split({ anyOf, ...own }: Schema, path: Path, depth = 0): Placed[] {
    this.budget.spend(100);
    if (depth > MAX_DEPTH) fail(path.slice(0, 20), WITHOUT_END);
    if (this.isNever(own, path)) return [];
    const [options, ...further] = valuesAt({ anyOf }, "anyOf") as (readonly Alternative[])[];
    if (!options) return [{ schema: own, path }];
    const base = further.length > 0 ? { ...own, anyOf: new Together(further) } : own;
    return options.flatMap(option => {
      const flat = this.flat(option);
      return flat ? this.split(merge(base, flat, option.path), option.path, depth + 1) : [];
    });
  }

  /** All but alternatives in one; undefined when nothing is allowed. */
  flat(placed: Placed): Schema | undefined {
    const { schema, path } = placed;
    if (typeof schema === "boolean") return schema ? {} : undefined;
    if (this.known.has(schema)) return this.known.get(schema);
    this.budget.spend(200);
    if (++this.depth > MAX_DEPTH) fail(path.slice(0, 20), WITHOUT_END);
    const given = checked(placed);
    const parts = [
      ...(given["$ref"] === undefined ? [] : [this.target(given, path)]),
      ...(listAt(given, "allOf", path) ?? []).map((part, i) => ({ schema: part, path: [...path, "allOf", i] })),
    ];
    let made: Schema | undefined = this.own(given, path);
    for (const part of parts) {
      const flat: Schema | undefined = made && this.flat(part);
      made = made && flat && (keywords(made).length === 0 ? flat : keywords(flat).length === 0 ? made : merge(made, flat, part.path));
    }
    this.depth--;
    this.known.set(schema, made);
    return made;
  }

  /** What the schema itself says, in few keywords. */
  private own(given: Schema, path: Path): Schema {
    const { $ref: _, allOf, anyOf, oneOf, if: condition, then: yes, else: no, dependentRequired, dependentSchemas, dependencies, ...rest } = given;
    const alternatives = [
      ...this.listed(given, "anyOf", path),
      ...(oneOf === undefined ? [] : [this.exclusive(given, path)]),
      ...(condition === undefined ? [] : [conditional(condition, yes ?? true, no ?? true, path)]),
      ...["dependentRequired", "dependentSchemas", "dependencies"].flatMap(name => dependent(given, name, path)),
    ];
    const own: Record<string, unknown> = { ...rest, ...literal(given, path), ...tuple(given), ...bounds(given) };
    for (const name of Object.keys(own)) if (own[name] === undefined) delete own[name];
    if (given["type"] !== undefined) own["type"] = typesOf(given, path);
    delete own["nullable"]; // which is in the type now
    if (given["contains"] === undefined) ["minContains", "maxContains"].forEach(name => delete own[name]);
    const { not } = own;
    if (not !== undefined && isPlainNot(literalOf(not), own["type"])) own["not"] = literalOf(not);
    else if (not !== undefined) {
      delete own["not"];
      alternatives.push(this.opposite(not, [...path, "not"]));
    }
    if (alternatives.length > 0) own["anyOf"] = new Together(alternatives);
    const unevaluated = ["unevaluatedProperties", "unevaluatedItems"].find(name => own[name] !== undefined);
    if (unevaluated !== undefined && (alternatives.length > 0 || allOf !== undefined || _ !== undefined))
      fail([...path, unevaluated], "cannot be enforced among schemas that hold together");
    return own;
  }

  private listed(schema: Schema, name: string, path: Path): Alternative[][] {
    const options = listAt(schema, name, path);
    return options ? [options.map((option, i) => new Alternative(option, [...path, name, i]))] : [];
  }

  /** Each alternative without what the others allow, where both could hold. */
  private exclusive(schema: Schema, path: Path): Alternative[] {
    const [options] = this.listed(schema, "oneOf", path) as [Alternative[]];
    const flats = options.map(option => this.flat(option));
    const resolved = (part: unknown): Schema | undefined => (part === undefined ? undefined : this.flat({ schema: part, path }));
    return options.map((option, i) => {
      const own = flats[i];
      const others = options.filter((_, j) => {
        this.budget.spend(100);
        return j !== i && own && flats[j] && !apart(own, flats[j], path, resolved);
      });
      if (own && onlyType(own, "number") && flats.some(other => other && onlyType(other, "integer")))
        fail(option.path, "cannot be enforced beside integers, as numbers that are none are not told apart");
      return new Alternative(
        others.reduce((made, other) => both(made, negation(other.schema)), option.schema),
        option.path,
      );
    });
  }

  private opposite(schema: unknown, path: Path): Alternative[] {
    if (typeof schema === "boolean") return schema ? [] : [new Alternative(true, path)];
    const given = checked({ schema, path });
    if (given["$ref"] === undefined) return alternativesTo(given, keywords(given), path).map(option => new Alternative(option.schema, path));
    const { $ref: _, ...beside } = given;
    return [
      new Alternative(negation(this.target(given, path).schema), path),
      ...alternativesTo(beside, keywords(beside), path).map(option => new Alternative(option.schema, path)),
    ];
  }

  /** Nothing is allowed, as far as a look at the surface tells. */
  private isNever(schema: Schema, path: Path): boolean {
    const values = schema["enum"] as unknown[] | undefined;
    if (values && values.every(value => this.holds(value, schema) === false)) return true;
    if (Array.isArray(schema["type"]) && schema["type"].length === 0) return true;
    if (!values && typesOf(schema, path).join() !== "object") return false;
    const properties = schema["properties"] as Schema | undefined;
    return ((schema["required"] ?? []) as string[]).some(name => {
      if (!properties || !Object.hasOwn(properties, name)) return false;
      const flat = this.flat({ schema: properties[name], path: [...path, "properties", name] });
      return !flat || (Array.isArray(flat["enum"]) && flat["enum"].every(value => this.holds(value, flat) === false));
    });
  }
}

/** Whether a flat schema says nothing but that. */
function onlyType(flat: Schema, type: string): boolean {
  return keywords(flat).join() === "type" && String(flat["type"]) === type;
}

function conditional(condition: unknown, yes: unknown, no: unknown, path: Path): Alternative[] {
  return [new Alternative(both(condition, yes), [...path, "if"]), new Alternative(both(negation(condition), no), [...path, "if"])];
}

/** For each name: without that property, or as it asks for. */
function dependent(schema: Schema, keyword: string, path: Path): Alternative[][] {
  return Object.entries(schemasAt(schema, keyword, path)).map(([name, asked]) => {
    const place = [...path, keyword, name];
    const needed = Array.isArray(asked) ? { required: namesAt({ [name]: asked }, name, [...path, keyword]) } : asked;
    return [new Alternative({ properties: { [name]: false } }, place), new Alternative(both({ required: [name] }, needed), place)];
  });
}

/** `const` is an enum of one. */
function literal(schema: Schema, path: Path): Schema {
  const values = listAt(schema, "enum", path);
  if (!Object.hasOwn(schema, "const")) return {};
  const single = [schema["const"]];
  return { const: undefined, enum: values ? single.filter(value => values.some(other => Bun.deepEquals(value, other))) : single };
}

function literalOf(not: unknown): unknown {
  const isConst = typeof not === "object" && not !== null && Object.keys(not).join() === "const";
  return isConst ? { enum: [(not as Schema)["const"]] } : not;
}

/** Drafts before 2020 have the list of places in `items`. */
function tuple({ items, additionalItems }: Schema): Schema {
  return Array.isArray(items) ? { prefixItems: items, items: additionalItems ?? false, additionalItems: undefined } : {};
}

/** Draft 4 has the exclusive ones as booleans. */
function bounds(schema: Schema): Schema {
  const made: Record<string, unknown> = {};
  for (const [exclusive, bound] of [
    ["exclusiveMinimum", "minimum"],
    ["exclusiveMaximum", "maximum"],
  ] as const) {
    if (typeof schema[exclusive] !== "boolean") continue;
    made[exclusive] = schema[exclusive] ? schema[bound] : undefined;
    if (schema[exclusive]) made[bound] = undefined;
  }
  return made;
}
