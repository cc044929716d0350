// The likeliest split of a word into pieces of a unigram vocabulary: one pass over the characters, of equals the one whose last piece begins first.
import type { Json } from "../util/json.ts";
import { toBytes } from "./utf8.ts";

interface Best {
  score: number;
  start: number; // of the last piece
  id: number;
}

/** Words to pieces. Throws when the vocabulary is none. */
export function makeUnigram(model: Json): (words: readonly string[]) => string[] {
  const vocabulary = readVocabulary(model["vocab"]);
  const ids = new Map(vocabulary.map(([text], id) => [text, id]));
  const scores = vocabulary.map(([, score]) => asReference(score));
  const unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - 10;
  const unknown = typeof model["unk_id"] === "number" ? model["unk_id"] : -1;
  const root = makeTree(vocabulary);

  const split = (word: string): string[] => {
    const best: (Best | undefined)[] = new Array<Best | undefined>(word.length + 1);
    best[0] = { score: 0, start: 0, id: -1 };
    for (let start = 0; start < word.length;) {
      const here = best[start]!.score;
      const offer = (end: number, score: number, id: number) => {
        const before = best[end];
        if (!before || here + score > before.score) best[end] = { score: here + score, start, id };
      };
      const single = start + (word.codePointAt(start)! > 0xffff ? 2 : 1);
      let known = false;
      let node: Node | undefined = root;
      for (let end = start; end < word.length && node; end++) {
        node = node.next.get(word.charCodeAt(end));
        if (node?.id === undefined) continue;
        offer(end + 1, scores[node.id]!, node.id);
        known ||= end + 1 === single;
      }
      if (!known) offer(single, unknownScore, unknown);
      start = single;
    }
    return backwards(best, word, unknown);
  };
  const fallback = (piece: string): string[] => {
    if (ids.has(piece) || model["byte_fallback"] !== true) return [piece];
    const bytes = Array.from(toBytes(piece), byte => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    return bytes.every(byte => ids.has(byte)) ? bytes : [piece];
  };
  return words => words.flatMap(split).flatMap(fallback);
}

/** Unknown pieces side by side are one. */
function backwards(best: readonly (Best | undefined)[], word: string, unknown: number): string[] {
  const pieces: string[] = [];
  let open: number | undefined; // where the unknown pieces end that are still being joined
  for (let end = word.length; end > 0;) {
    const { start, id } = best[end]!;
    if (id === unknown) open ??= end;
    else {
      if (open !== undefined) pieces.push(word.slice(end, open));
      open = undefined;
      pieces.push(word.slice(start, end));
    }
    end = start;
  }
  if (open !== undefined) pieces.push(word.slice(0, open));
  return pieces.reverse();
}

interface Node {
  readonly next: Map<number, Node>;
  id?: number;
}

function makeTree(vocabulary: readonly (readonly [string, number])[]): Node {
  const root: Node = { next: new Map() };
  for (const [id, [text]] of vocabulary.entries()) {
    let node = root;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const inner: Node = node.next.get(code) ?? { next: new Map() };
      node.next.set(code, inner);
      node = inner;
    }
    if (text !== "") node.id = id;
  }
  return root;
}

function readVocabulary(value: unknown): [string, number][] {
  const whole = Array.isArray(value) ? value : [];
  for (const entry of whole)
    if (!Array.isArray(entry) || typeof entry[0] !== "string" || typeof entry[1] !== "number")
      throw new Error("a unigram vocabulary holds [text, score]");
  return whole as [string, number][];
}

/** The reference reads a score as an integer and a power of ten and rounds twice; sums that are equal up to rounding compare as there. */
function asReference(score: number): number {
  const [, sign, whole, part = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(score)) ?? [];
  if (whole === undefined) return score;
  const exponent = Number(power) - part.length;
  const digits = Number(BigInt(whole + part));
  const value = exponent < 0 ? digits / 10 ** -exponent : digits * 10 ** exponent;
  return sign ? -value : value;
}
