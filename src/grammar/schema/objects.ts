// Objects: declared properties in their order, each at most once, then further ones where they are asked for.
import { accepts, intersect, isEmpty, minimize } from "../dfa.ts";
import type { Budget } from "../error.ts";
import { inJsonString } from "../json-string.ts";
import { listed, pair } from "../json.ts";
import { anyChar, call, choice, nothing, rule, sequence, star, text, type Dfa, type Node } from "../node.ts";
import type { Context } from "./context.ts";
import { members } from "./members.ts";
import { both } from "./merge.ts";
import { countAt, excludedBy, fail, namesAt, schemasAt, type Path, type Placed, type Schema } from "./read.ts";
import { languageOf, textsOf, toDfa, type Texts } from "./strings.ts";
import { isObject } from "../../util/json.ts";

export function objectNode(schema: Schema, path: Path, context: Context): Node {
  const min = Math.max(countAt(schema, "minProperties", path) ?? 0, excludesEmpty(schema, path) ? 1 : 0);
  const max = countAt(schema, "maxProperties", path) ?? Infinity;
  if (min > max) return nothing;
  const keys = new Keys(schema, path, context);
  const required = new Set(namesAt(schema, "required", path));
  const declared = [...new Set([...Object.keys(keys.properties), ...required, ...(keys.allowed?.values ?? [])])].flatMap(name => {
    const value = keys.valueOf(name);
    if (value.schema === false && !required.has(name)) return [];
    return [{ required: required.has(name), node: pair(text(JSON.stringify(name)), context.valueOf(value)) }];
  });
  const extra = keys.further((schema["properties"] === undefined && required.size === 0) || min > declared.length);
  if (extra && min > declared.length + 1) fail([...path, "minProperties"], "can be enforced only up to one more than the declared properties");
  return listed("{", members(declared, extra, min, max), "}");
}

/** Which values the keys of one object have. */
class Keys {
  readonly properties: Schema;
  readonly allowed: Texts | undefined; // by `propertyNames`
  private readonly patterns: readonly { readonly value: unknown; readonly path: Path; readonly dfa: Dfa }[];
  private readonly rest: unknown; // of undeclared ones

  constructor(
    private readonly schema: Schema,
    private readonly path: Path,
    private readonly context: Context,
  ) {
    const { budget } = context;
    this.properties = schemasAt(schema, "properties", path);
    this.patterns = Object.entries(schemasAt(schema, "patternProperties", path)).map(([pattern, value]) => {
      const place = [...path, "patternProperties", pattern];
      return { value, path: place, dfa: languageOf(pattern, place, budget) };
    });
    const names = schema["propertyNames"];
    this.allowed = names === undefined || names === true ? undefined : textsOf({ schema: names, path: [...path, "propertyNames"] }, context);
    this.rest = schema["additionalProperties"] ?? schema["unevaluatedProperties"];
  }

  valueOf(name: string): Placed {
    const written = JSON.stringify(name).slice(1, -1);
    if (this.allowed && !accepts(this.allowed.dfa, written)) return { schema: false, path: this.path };
    const declared = Object.hasOwn(this.properties, name);
    const matching = this.patterns.filter(({ dfa }) => accepts(dfa, written));
    const path = declared ? [...this.path, "properties", name] : (matching[0]?.path ?? [...this.path, "additionalProperties"]);
    if (!declared && matching.length === 0) return { schema: this.rest ?? true, path };
    return { schema: matching.reduce((made, { value }) => both(made, value), declared ? this.properties[name] : true), path };
  }

  /** A further property with its value, or undefined when there is none. Without any word about them, they are there where `open`. */
  further(open: boolean): Node | undefined {
    if (this.allowed?.values) return undefined; // all of them are declared
    const { budget, valueOf } = this.context;
    const taken = toDfa(choice([...new Set([...Object.keys(this.properties), ...namesAt(this.schema, "required", this.path)])].map(written)), budget);
    const all = this.allowed?.dfa ?? toDfa(star(inJsonString(anyChar)), budget);
    const without = (left: Dfa, others: readonly Dfa[]) => others.reduce((made, other) => intersect(made, other, budget, false), left);
    const pairs: Node[] = [];
    const add = (keys: Dfa, schema: unknown, path: Path) => {
      if (schema !== false && !isEmpty(keys)) pairs.push(pair(key(keys, budget), valueOf({ schema, path })));
    };
    const dfas = this.patterns.map(({ dfa }) => dfa);
    this.patterns.forEach(({ value, path, dfa }, i) => {
      const others = dfas.filter((_, j) => j !== i);
      add(without(intersect(dfa, all, budget), [taken, ...others]), value, path);
    });
    const rest = this.rest ?? (open && this.patterns.length === 0);
    if (rest !== false) add(without(all, [taken, ...dfas]), rest, [...this.path, "additionalProperties"]);
    return pairs.length === 0 ? undefined : choice(pairs);
  }
}

const written = (name: string): Node => inJsonString(text(name));

function key(characters: Dfa, budget: Budget): Node {
  return call(rule("key", sequence(text('"'), { type: "automaton", dfa: minimize(characters, budget) }, text('"'))));
}

/** Of the objects that `not` can leave out, only the empty one is known by its properties' number. */
function excludesEmpty(schema: Schema, path: Path): boolean {
  const objects = excludedBy(schema).filter(isObject);
  if (objects.some(value => Object.keys(value).length > 0)) fail([...path, "not"], "cannot be enforced on objects");
  return objects.length > 0;
}
