// From what an answer is held to, to what the engine follows. Compiled forms are kept, because clients send the same schema again and again.
import type { Grammar } from "../engine/protocol.ts";
import { answerNode, type AnswerForm } from "./answer.ts";
import { Budget } from "./error.ts";
import { link } from "./link.ts";
import { writer } from "./writing.ts";

/** About a second at worst. */
const BUDGET = 2_000_000;
const MAX_KEPT = 64;

export class GrammarCompiler {
  private readonly kept = new Map<string, Grammar>(); // least recently used first

  /** `tokenId` gives the ids of added tokens. */
  constructor(private readonly tokenId: (text: string) => number | undefined) {}

  /** Throws GrammarError for what cannot be enforced. `markers` are texts that are written as tokens where they are some. */
  compile(form: AnswerForm, markers: readonly string[]): Grammar {
    const key = keyOf(form);
    const known = this.kept.get(key) ?? this.make(key, form, markers);
    this.kept.delete(key);
    this.kept.set(key, known);
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value!);
    return known;
  }

  private make(key: string, form: AnswerForm, markers: readonly string[]): Grammar {
    const budget = new Budget(BUDGET);
    const write = writer(markers.filter(marker => this.tokenId(marker) !== undefined));
    return { key, automaton: link(answerNode(form, write, budget), budget, marker => this.tokenId(marker)!) };
  }
}

/** Equal for forms that mean the same. */
function keyOf({ calls, ...form }: AnswerForm): string {
  const { syntax: _, ...known } = calls ?? {}; // the format's name says it
  return new Bun.CryptoHasher("sha256").update(JSON.stringify([form, known])).digest("base64");
}
