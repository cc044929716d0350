// Objects: declared properties in their order, each at most once, then further ones where they are asked for.
import { intersect, minimize } from "../dfa.ts";
import type { Budget } from "../error.ts";
import { inJsonString } from "../json-string.ts";
import { comma, listed, pair } from "../json.ts";
import { anyChar, call, choice, empty, nothing, optional, rule, sequence, star, text, type Dfa, type Node } from "../node.ts";
import { search } from "../regex.ts";
import { countAt, fail, namesAt, schemasAt, type Path, type Placed, type Schema } from "./read.ts";
import { placed, toDfa } from "./strings.ts";

export interface ObjectContext {
  readonly budget: Budget;
  readonly valueOf: (placed: Placed) => Node;
}

export function objectNode(schema: Schema, path: Path, context: ObjectContext): Node {
  const properties = schemasAt(schema, "properties", path);
  const required = new Set(namesAt(schema, "required", path));
  const names = [...Object.keys(properties), ...[...required].filter(name => !Object.hasOwn(properties, name))];
  const extra = extraPair(schema, path, names, context);
  const undeclared = names.filter(name => !Object.hasOwn(properties, name));
  if (undeclared.length > 0 && schema["additionalProperties"] === false) return nothing;
  const declared = names.map(name => ({
    required: required.has(name),
    node: pair(text(JSON.stringify(name)), context.valueOf(declaredValue(schema, path, name))),
  }));
  const room = roomFor(schema, path, declared.length, required.size);
  return listed("{", members(declared, extra, room), "}");
}

function declaredValue(schema: Schema, path: Path, name: string): Placed {
  const properties = schemasAt(schema, "properties", path);
  if (Object.hasOwn(properties, name)) return { schema: properties[name], path: [...path, "properties", name] };
  const further = schema["additionalProperties"];
  return { schema: further ?? true, path: [...path, "additionalProperties"] };
}

interface Declared {
  readonly required: boolean;
  readonly node: Node;
}

/** From the end to the beginning; each rest is a rule, so that what is shared is there once. */
function members(declared: readonly Declared[], extra: Node | undefined, room: number): Node {
  const more = rule("further property", extra ? sequence(comma, extra) : nothing);
  let first: Node = extra && room > 0 ? optional(sequence(extra, room > 1 ? call(more, 0, room - 1) : empty)) : empty;
  let rest: Node = extra && room > 0 ? call(more, 0, room) : empty;
  for (const { required, node } of declared.toReversed()) {
    const behind = rest;
    const own = rule("property", sequence(comma, node));
    const next = rule("properties", sequence(required ? call(own) : call(own, 0, 1), behind));
    first = required ? sequence(node, behind) : choice([sequence(node, behind), first]);
    rest = call(next);
  }
  return first;
}

/** How many further properties there may be. */
function roomFor(schema: Schema, path: Path, declared: number, required: number): number {
  const min = countAt(schema, "minProperties", path) ?? 0;
  const max = countAt(schema, "maxProperties", path) ?? Infinity;
  if (min > required) fail([...path, "minProperties"], "can be enforced only up to the number of required properties");
  if (max < declared) fail([...path, "maxProperties"], "can be enforced only from the number of declared properties on");
  return max - declared;
}

/** A further property with its value, or undefined when there is none. */
function extraPair(schema: Schema, path: Path, names: readonly string[], { budget, valueOf }: ObjectContext): Node | undefined {
  const patterns = Object.entries(schemasAt(schema, "patternProperties", path));
  const further = schema["additionalProperties"] ?? (names.length === 0 && patterns.length === 0 && schema["properties"] === undefined);
  const declared = toDfa(choice(names.map(name => inJsonString(text(name)))), budget);
  const matching = patterns.map(([pattern]) =>
    placed([...path, "patternProperties", pattern], () => toDfa(search(pattern, budget, inJsonString), budget)),
  );
  patterns.forEach(([pattern], i) => {
    if (!isEmpty(intersect(declared, matching[i]!, budget)))
      fail([...path, "patternProperties", pattern], "matches a declared property, which cannot be enforced");
  });
  const pairs = patterns.flatMap(([pattern, value], i) => {
    const alone = matching.reduce((own, other, j) => (i === j ? own : intersect(own, other, budget, false)), matching[i]!);
    return value === false ? [] : [pair(key(alone, budget), valueOf({ schema: value, path: [...path, "patternProperties", pattern] }))];
  });
  if (further !== false) {
    const all = toDfa(star(inJsonString(anyChar)), budget);
    const others = [declared, ...matching].reduce((own, other) => intersect(own, other, budget, false), all);
    pairs.push(pair(key(others, budget), valueOf({ schema: further, path: [...path, "additionalProperties"] })));
  }
  return pairs.length === 0 ? undefined : choice(pairs);
}

function key(characters: Dfa, budget: Budget): Node {
  return call(rule("key", sequence(text('"'), { type: "automaton", dfa: minimize(characters, budget) }, text('"'))));
}

function isEmpty(dfa: Dfa): boolean {
  const open = [0];
  const seen = new Set(open);
  for (const state of open) {
    if (dfa.states[state]!.accepts) return false;
    for (const edge of dfa.states[state]!.edges) if (!seen.has(edge.target)) (seen.add(edge.target), open.push(edge.target));
  }
  return true;
}
