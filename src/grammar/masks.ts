// Which tokens may come next: the vocabulary's tree walked along an automaton. Runs in the engine, on ids alone.
import type { Automaton, Vocabulary } from "../engine/protocol.ts";
import { Configurations, GrammarLimit, type Configuration } from "./configuration.ts";

// As in node.ts, which the engine does not load.
const OTHER_TOKEN = 256;
const FIRST_TOKEN = 257;
const MAX_MASK_BYTES = 16 * 2 ** 20;

/** What is known about one automaton over one vocabulary; shared by all sequences that it holds. */
export class Masks {
  private readonly configurations: Configurations;
  private readonly spelled = new Map<number, Uint8Array>(); // by id: its bytes
  private readonly added: ReadonlySet<number>;
  private readonly masked: Configuration[] = []; // those with a mask, oldest first

  /** `width` is the number of ids that the model tells apart. */
  constructor(
    private readonly automaton: Automaton,
    private readonly vocabulary: Vocabulary,
    private readonly width: number,
  ) {
    this.configurations = new Configurations(automaton);
    this.added = new Set(vocabulary.added);
  }

  get start(): Configuration {
    return this.configurations.start;
  }

  /** 1 for each id that fits; stop ids are not considered. Throws GrammarLimit. */
  mask(at: Configuration): Uint8Array {
    if (at.mask) return at.mask;
    this.configurations.rest();
    const mask = new Uint8Array(this.width);
    this.markSpelled(at, mask);
    this.markAdded(at, mask);
    at.mask = mask;
    this.masked.push(at);
    while (this.masked.length * this.width > MAX_MASK_BYTES && this.masked.length > 1) this.masked.shift()!.mask = undefined;
    return mask;
  }

  /** Whether the automaton speaks of an added token. */
  names(id: number): boolean {
    return this.automaton.tokens.includes(id);
  }

  /** Where an id leads; null when it does not fit. */
  follow(from: Configuration, id: number): Configuration | null {
    if (this.added.has(id)) {
      const named = this.automaton.tokens.indexOf(id);
      return this.configurations.step(from, named < 0 ? OTHER_TOKEN : FIRST_TOKEN + named);
    }
    let at: Configuration | null = from;
    const bytes = this.bytesOf(id);
    if (!bytes) return null;
    for (let i = 0; i < bytes.length && at; i++) at = this.configurations.step(at, bytes[i]!);
    return at;
  }

  private markSpelled(start: Configuration, mask: Uint8Array): void {
    const { symbols, depths, ends, ids, twins } = this.vocabulary;
    const path: Configuration[] = [start]; // by depth
    for (let node = 0; node < symbols.length;) {
      const depth = depths[node]!;
      const from = path[depth - 1]!;
      const next = from.next[symbols[node]!] ?? this.configurations.step(from, symbols[node]!);
      if (next === null) {
        node = ends[node]!;
        continue;
      }
      path[depth] = next;
      const id = ids[node]!;
      if (id >= 0) mask[id] = 1;
      node++;
    }
    for (let i = 0; i < twins.length; i += 2) mask[twins[i + 1]!] = mask[twins[i]!]!;
  }

  private markAdded(at: Configuration, mask: Uint8Array): void {
    const { tokens } = this.automaton;
    if (this.configurations.step(at, OTHER_TOKEN)) for (const id of this.added) mask[id] = 1;
    tokens.forEach((id, i) => (mask[id] = this.configurations.step(at, FIRST_TOKEN + i) ? 1 : 0));
  }

  private bytesOf(id: number): Uint8Array | undefined {
    if (this.spelled.size === 0) this.readSpelling();
    return this.spelled.get(id);
  }

  private readSpelling(): void {
    const { symbols, depths, ids, twins } = this.vocabulary;
    const path: number[] = [];
    symbols.forEach((symbol, node) => {
      path.length = depths[node]! - 1;
      path.push(symbol);
      if (ids[node]! >= 0) this.spelled.set(ids[node]!, Uint8Array.from(path));
    });
    for (let i = 0; i < twins.length; i += 2) this.spelled.set(twins[i + 1]!, this.spelled.get(twins[i]!)!);
  }
}

/** One sequence on its way through its automaton. */
export class Matcher {
  private at: Configuration | undefined; // undefined: the end is reached
  private lost = false; // an id came that was not allowed, forced by something else

  constructor(
    private readonly masks: Masks,
    private readonly stopIds: readonly number[],
  ) {
    this.at = masks.start;
  }

  /** 1 for each id that may be drawn now: with stop ids where the text may end, unless `goOn` and it need not. Undefined once it has ended. */
  allowed(goOn: boolean): Uint8Array | undefined {
    if (this.lost) throw new GrammarLimit("the answer has left the form that it is held to");
    if (!this.at) return undefined;
    const mask = this.masks.mask(this.at).slice();
    for (const id of this.stopIds) if (!this.masks.names(id)) mask[id] = 0; // one that is named is markup, which may end a text as well
    if (this.at.accepts && !(goOn && mask.includes(1))) for (const id of this.stopIds) mask[id] = 1;
    return mask;
  }

  /** Takes note of a drawn id. */
  accept(id: number): void {
    if (!this.at) return;
    const next = this.stopIds.includes(id) ? null : this.masks.follow(this.at, id);
    this.lost = next === null && !this.stopIds.includes(id);
    this.at = next ?? undefined;
  }
}
