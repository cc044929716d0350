// What holds sequences to their grammars: the vocabulary, the masks worked out for the grammars in use, and where each sequence stands.
import { GrammarLimit } from "../grammar/configuration.ts";
import { Masks, Matcher } from "../grammar/masks.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { Vocabulary } from "./protocol.ts";

const MAX_GRAMMARS = 8; // whose masks are remembered

export class Grammars {
  private vocabulary: Vocabulary | undefined;
  private readonly masks = new Map<string, Masks>(); // by key, least recently used first
  private readonly matchers = new WeakMap<Sequence, Matcher>();

  constructor(private readonly vocabSize: number) {}

  learn(vocabulary: Vocabulary): void {
    this.vocabulary = vocabulary;
    this.masks.clear();
  }

  /** Starts, or after a preemption starts again, to follow a sequence; undefined when nothing holds it. */
  open(sequence: Sequence): Matcher | undefined {
    const { grammar, stopIds } = sequence.request;
    if (grammar === undefined) return undefined;
    const matcher = new Matcher(this.masksOf(grammar), stopIds);
    for (const id of sequence.answer) matcher.accept(id);
    this.matchers.set(sequence, matcher);
    return matcher;
  }

  /** Takes note of an id that has become known. */
  accept(sequence: Sequence, id: number): void {
    this.matchers.get(sequence)?.accept(id);
  }

  private masksOf({ key, automaton }: NonNullable<Sequence["request"]["grammar"]>): Masks {
    if (this.vocabulary === undefined) throw new Error("a grammar came before the vocabulary");
    const known = this.masks.get(key) ?? new Masks(automaton, this.vocabulary, this.vocabSize);
    this.masks.delete(key);
    this.masks.set(key, known);
    if (this.masks.size > MAX_GRAMMARS) this.masks.delete(this.masks.keys().next().value!);
    return known;
  }
}

/** The ids that a row may draw now, or why it cannot go on; undefined when it has ended already. */
export function maskOf(matcher: Matcher, goOn: boolean): Uint8Array | { readonly failure: string } | undefined {
  try {
    const mask = matcher.allowed(goOn);
    return mask === undefined || mask.includes(1) ? mask : { failure: "no token of this model's vocabulary goes on with the text as it must" };
  } catch (error) {
    if (error instanceof GrammarLimit) return { failure: error.message };
    throw error;
  }
}
