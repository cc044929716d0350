// What stands between braces or brackets where each member comes at most once and in order, with commas between, counted.
import { comma } from "../json.ts";
import { call, choice, empty, nothing, rule, sequence, type Node, type Rule } from "../node.ts";

export interface Member {
  readonly required: boolean;
  readonly node: Node;
}

/** From `least` to `most` of them; `extra` may come behind them, again and again. Each rest is a rule, so that what is shared is there once. */
export function members(declared: readonly Member[], extra: Node | undefined, least: number, most: number): Node {
  const more = rule("further", extra ? sequence(comma, extra) : nothing);
  const requiredFrom = declared.map((_, i) => declared.slice(i).filter(({ required }) => required).length);
  const rests = new Map<string, Rule>();

  /** The members from the i-th on, behind others or as the first. */
  function rest(i: number, low: number, high: number, isFirst: boolean): Node {
    const [min, max] = [Math.max(0, low, requiredFrom[i] ?? 0), high];
    if (max < min) return nothing;
    if (i === declared.length) return extras(min, max, isFirst);
    const enough = min <= (requiredFrom[i] ?? 0) && !(max < declared.length - i);
    const key = `${i},${enough ? "" : min},${max === Infinity ? "" : max},${isFirst}`;
    const known = rests.get(key);
    if (known) return call(known);
    const made = rule("members");
    rests.set(key, made);
    const { required, node } = declared[i]!;
    const own = sequence(isFirst ? empty : comma, node, rest(i + 1, min - 1, max - 1, false));
    made.body = required ? own : choice([own, rest(i + 1, min, max, isFirst)]);
    return call(made);
  }

  function extras(min: number, max: number, isFirst: boolean): Node {
    if (!extra || max === 0) return min === 0 ? empty : nothing;
    if (min > 1) return nothing; // they could be the same one twice
    if (!isFirst) return call(more, min, max);
    const some = sequence(extra, call(more, Math.max(0, min - 1), max - 1));
    return min === 0 ? choice([empty, some]) : some;
  }

  return rest(0, least, most, true);
}
