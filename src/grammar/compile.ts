// From what an answer is held to, to what the engine follows. Compiled forms are kept, because clients send the same schema again and again.
import type { Grammar } from "../engine/protocol.ts";
import { answerNode, type AnswerForm } from "./answer.ts";
import { Budget, GrammarError } from "./error.ts";
import { link } from "./link.ts";
import { writer } from "./writing.ts";

/** About a second at worst. */
const BUDGET = 2_000_000;
const MAX_KEPT = 64;
const LONGEST = 500_000;

export class GrammarCompiler {
  private readonly kept = new Map<string, Grammar>(); // least recently used first

  /** `tokenId` gives the ids of added tokens. */
  constructor(private readonly tokenId: (text: string) => number | undefined) {}

  /** Throws GrammarError for what cannot be enforced. `markers` are texts that are written as tokens where they are some. */
  compile(form: AnswerForm, markers: readonly string[], budget = BUDGET): Grammar {
    const { key } = keyOf(form);
    return this.find(key) ?? this.keep(this.make(key, form, markers, new Budget(budget)));
  }

  /** What was compiled before under a key. */
  find(key: string): Grammar | undefined {
    const known = this.kept.get(key);
    return known && this.keep(known);
  }

  keep(grammar: Grammar): Grammar {
    this.kept.delete(grammar.key);
    this.kept.set(grammar.key, grammar);
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value!);
    return grammar;
  }

  private make(key: string, form: AnswerForm, markers: readonly string[], budget: Budget): Grammar {
    const write = writer(markers.filter(marker => this.tokenId(marker) !== undefined));
    return { key, automaton: link(answerNode(form, write, budget), budget, marker => this.tokenId(marker)!) };
  }
}

export interface FormKey {
  readonly key: string; // equal for forms that mean the same
  readonly length: number; // characters of the form
}

/** Throws GrammarError for a form that is too long to be looked at. */
export function keyOf({ calls, ...form }: AnswerForm): FormKey {
  const { syntax: _, ...known } = calls ?? {}; // the format's name says it
  const text = JSON.stringify([form, known]);
  if (text.length > LONGEST) throw new GrammarError(`is too large to be enforced: ${text.length} characters, more than ${LONGEST}`);
  return { key: new Bun.CryptoHasher("sha256").update(text).digest("base64"), length: text.length };
}
