// Text around what is enforced: markers written as tokens, and free text up to one of them.
import { determinize, intersect, minimize } from "./dfa.ts";
import type { Budget } from "./error.ts";
import { Nfa } from "./nfa.ts";
import { anyChar, OTHER_TOKEN, sequence, star, text, token, type Node } from "./node.ts";

/** How texts that may contain markers are written here. */
export type Write = (text: string) => Node;

/** Markers that are added tokens are written as those tokens. */
export function writer(markers: readonly string[]): Write {
  return value => {
    const nodes: Node[] = [];
    for (let rest = value; rest !== "";) {
      const places = markers.map(marker => ({ marker, at: rest.indexOf(marker) })).filter(({ at }) => at >= 0);
      const first = places.toSorted((a, b) => a.at - b.at || b.marker.length - a.marker.length)[0];
      if (!first) return sequence(...nodes, text(rest));
      if (first.at > 0) nodes.push(text(rest.slice(0, first.at)));
      nodes.push(token(first.marker));
      rest = rest.slice(first.at + first.marker.length);
    }
    return sequence(...nodes);
  };
}

/** Any text, any tokens, but nothing that begins like `until`. */
export function freeText(until: string, write: Write, budget: Budget): Node {
  const any: Node = { type: "symbols", ranges: [[0, OTHER_TOKEN]] };
  const marker = write(until);
  if (marker.type === "token" || (marker.type === "sequence" && marker.items[0]?.type === "token")) return star(any); // which is no OTHER_TOKEN
  return without(star(any), sequence(star(any), text(until), star(any)), budget);
}

/** Any characters, but not this text. */
export function plainText(until: string, budget: Budget): Node {
  return without(star(anyChar), sequence(star(anyChar), text(until), star(anyChar)), budget);
}

function without(all: Node, bad: Node, budget: Budget): Node {
  const [a, b] = [all, bad].map(node => determinize(new Nfa(node, [], budget), budget));
  return { type: "automaton", dfa: minimize(intersect(a!, b!, budget, false), budget) };
}
