// `a: a "x" | b` reads nothing before it reads a again. The same texts are `a: b ("x")*`.
import { empty, choice, sequence, star, type Node, type Rule } from "./node.ts";

/** A rule by name, with what may stand for it. */
export interface Named {
  readonly rule: Rule;
  alternatives: readonly Node[];
}

/** Rewrites rules that begin with themselves; longer circles are left to the linker, which refuses them. */
export function breakLeftRecursion(rules: ReadonlyMap<string, Named>): void {
  for (const { rule, alternatives } of rules.values()) {
    const tails = alternatives.map(node => tailBehind(rule, node));
    if (!tails.some(tail => tail !== undefined)) continue;
    const bases = alternatives.filter((_, i) => tails[i] === undefined);
    rule.body = sequence(choice(bases), star(choice(tails.filter(tail => tail !== undefined))));
  }
}

/** What follows the rule where a node begins with it. */
function tailBehind(rule: Rule, node: Node): Node | undefined {
  if (node.type === "rule") return node.rule === rule ? empty : undefined;
  if (node.type !== "sequence" || node.items[0]?.type !== "rule" || node.items[0].rule !== rule) return undefined;
  return sequence(...node.items.slice(1));
}
