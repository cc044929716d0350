// Arrays: places of their own first, then items of one kind, counted. Items that must differ are drawn from a list of values.
import { comma, listed } from "../json.ts";
import { call, choice, empty, nothing, optional, rule, sequence, text, type Node, type Rule } from "../node.ts";
import type { Context } from "./context.ts";
import { both } from "./merge.ts";
import { members } from "./members.ts";
import { negation } from "./negate.ts";
import { countAt, excludedBy, fail, listAt, typesOf, type Path, type Schema } from "./read.ts";

/** Up to here, values that must differ come in any order; of more, in the schema's. */
const MANY = 6;

export function arrayNode(schema: Schema, path: Path, context: Context): Node {
  const min = countAt(schema, "minItems", path) ?? 0;
  const max = countAt(schema, "maxItems", path) ?? Infinity;
  if (min > max) return nothing;
  if (excludedBy(schema).some(Array.isArray)) fail([...path, "not"], "cannot be enforced on lists");
  if (schema["contains"] !== undefined) return containing(schema, path, context, min, max);
  const prefix = listAt(schema, "prefixItems", path) ?? [];
  if (schema["uniqueItems"] === true && max > 1) return differing(schema, path, context, min, max);
  const items = prefix.slice(0, max).map((item, i) => context.valueOf({ schema: item, path: [...path, "prefixItems", i] }));
  const further = schema["items"] ?? schema["unevaluatedItems"] ?? prefix.length === 0;
  const open = prefix.length < max ? context.valueOf({ schema: further, path: [...path, "items"] }) : nothing;
  const own = rule("item", sequence(comma, open));
  let rest = call(own, Math.max(0, min - prefix.length), Math.max(0, max - prefix.length));
  for (let i = items.length - 1; i > 0; i--) {
    const tail = sequence(comma, items[i]!, rest);
    rest = i < min ? tail : optional(tail);
  }
  const whole = items.length > 0 ? sequence(items[0]!, rest) : max === 0 ? empty : sequence(open, call(own, Math.max(0, min - 1), max - 1));
  return listed("[", min === 0 ? optional(whole) : whole, "]");
}

/** Those that are looked for come first; where there may not be more of them, the others are none. */
function containing(schema: Schema, path: Path, { valueOf }: Context, min: number, max: number): Node {
  const wanted = schema["contains"];
  const least = countAt(schema, "minContains", path) ?? 1;
  const most = countAt(schema, "maxContains", path) ?? Infinity;
  const other = ["prefixItems", "uniqueItems"].find(name => schema[name] !== undefined && schema[name] !== false);
  if (other !== undefined) fail([...path, "contains"], `cannot be enforced beside ${other}`);
  if (least > max || least > most) return nothing;
  const every = schema["items"] ?? true;
  const first = call(rule("item", sequence(valueOf({ schema: both(every, wanted), path: [...path, "contains"] }))));
  const follower = most === Infinity ? every : both(every, negation(wanted));
  const further = rule("item", valueOf({ schema: follower, path: [...path, "items"] }));
  const behind = rule("items", sequence(comma, call(further)));
  const begin = Array.from({ length: least }, (_, i) => (i === 0 ? first : sequence(comma, first)));
  if (least > 0) return listed("[", sequence(...begin, call(behind, Math.max(0, min - least), max - least)), "]");
  const whole = max === 0 ? empty : sequence(call(further), call(behind, Math.max(0, min - 1), max - 1));
  return listed("[", min === 0 ? optional(whole) : whole, "]");
}

function differing(schema: Schema, path: Path, context: Context, min: number, max: number): Node {
  const values = schema["prefixItems"] === undefined ? finite(schema["items"] ?? true, path, context) : undefined;
  if (!values) fail([...path, "uniqueItems"], "can be enforced only where the items are some of a list of values");
  context.budget.spend(values.length * 20);
  if (values.length > MANY) {
    const ordered = values.map(value => ({ required: false, node: text(value) }));
    return listed("[", members(ordered, undefined, min, Math.min(max, values.length)), "]");
  }
  const rests = new Map<number, Rule>(); // by the values that are used, as bits
  const from = (used: number, count: number): Node => {
    const ways = values.flatMap((value, i) =>
      (used & (1 << i)) === 0 && count < max ? [sequence(count > 0 ? comma : empty, text(value), after(used | (1 << i), count + 1))] : [],
    );
    return choice(count >= min ? [empty, ...ways] : ways);
  };
  const after = (used: number, count: number): Node => {
    const known = rests.get(used);
    if (known) return call(known);
    const made = rule("further items");
    rests.set(used, made);
    made.body = from(used, count);
    return call(made);
  };
  return listed("[", from(0, 0), "]");
}

/** The values of a schema as JSON where they are few. */
function finite(schema: unknown, path: Path, { flattener }: Context): string[] | undefined {
  const found: string[] = [];
  for (const { schema: branch } of flattener.branches({ schema, path: [...path, "items"] })) {
    const own = branch as Schema;
    const types = typesOf(own, path);
    const listedValues =
      (own["enum"] as unknown[] | undefined) ??
      types.flatMap((type): unknown[] => ({ null: [null], boolean: [false, true] })[type as "null"] ?? [undefined]);
    if (listedValues.includes(undefined)) return undefined;
    found.push(...listedValues.filter(value => flattener.holds(value, own)).map(value => JSON.stringify(value)));
  }
  return [...new Set(found)];
}
