// The special tokens around a text, or around and between the two of a pair, and how what lies inside is cut to a length.
import type { EncodeText } from "../engine/protocol.ts";
import { TokenizerError } from "../tokenizer/error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

export interface Frame {
  readonly size: number; // special tokens
  readonly joins?: (query: string, document: string) => string; // where a pair is encoded as one text
  /** The parts within their special tokens, cut from their ends so that all has no more than `length` ids. */
  wrap(parts: readonly Uint32Array[], length: number): EncodeText;
}

const probes = ["a", "b"] as const;

/** Found by asking the tokenizer, so that it holds for every kind of post-processor. */
export function textFrame(tokenizer: Tokenizer): Frame {
  const whole = tokenizer.encode(probes[0], { specialTokens: true });
  return frameOf(tokenizer, whole, [probes[0]]);
}

export function pairFrame(tokenizer: Tokenizer): Frame {
  const { ids, segments } = tokenizer.encodePair(...probes);
  return frameOf(tokenizer, ids, probes, segments);
}

function frameOf(tokenizer: Tokenizer, whole: Uint32Array, texts: readonly string[], segments?: Uint8Array): Frame {
  const gaps: { readonly ids: Uint32Array; readonly segments: Uint8Array }[] = []; // before, between and behind the parts
  const own: number[] = []; // segment of each part
  let at = 0;
  const gap = (end: number) => void gaps.push({ ids: whole.slice(at, end), segments: segments?.slice(at, end) ?? new Uint8Array(end - at) });
  for (const text of texts) {
    const part = tokenizer.encode(text, { specialTokens: false });
    const start = find(whole, part, at);
    if (start < 0) throw new TokenizerError("tokenizer.json: special tokens change the text between them, which is not supported");
    gap(start);
    own.push(segments?.[start] ?? 0);
    at = start + part.length;
  }
  gap(whole.length);
  const size = gaps.reduce((sum, { ids }) => sum + ids.length, 0);
  const hasSegments = segments?.some(segment => segment > 0) ?? false;
  return {
    size,
    wrap: (parts, length) => {
      const kept = cut(parts, Math.max(0, length - size));
      const joined = gaps.flatMap(({ ids }, i) => [ids, kept[i] ?? new Uint32Array(0)]);
      if (!hasSegments) return { ids: joinIds(joined) };
      const kinds = gaps.flatMap(({ segments }, i) => [segments, new Uint8Array(kept[i]?.length ?? 0).fill(own[i] ?? 0)]);
      return { ids: joinIds(joined), segments: Uint8Array.from(kinds.flatMap(part => [...part])) };
    },
  };
}

/** Where `part` first stands in `whole` from `from` on; -1 where it does not. */
function find(whole: Uint32Array, part: Uint32Array, from: number): number {
  for (let start = from; part.length > 0 && start + part.length <= whole.length; start++) {
    if (part.every((id, i) => whole[start + i] === id)) return start;
  }
  return -1;
}

/** One text is cut at its end. Of two the longer is cut to the shorter's length at least, then both to one half. */
function cut(parts: readonly Uint32Array[], room: number): Uint32Array[] {
  const [first, second] = parts as [Uint32Array, Uint32Array | undefined];
  if (second === undefined) return [first.subarray(0, room)];
  if (first.length + second.length <= room) return [first, second];
  const isFirstShorter = first.length <= second.length;
  let short = Math.min(first.length, second.length);
  let long = Math.max(short, room - short);
  if (short + long > room) {
    short = Math.floor(room / 2);
    long = room - short;
  }
  return [first.subarray(0, isFirstShorter ? short : long), second.subarray(0, isFirstShorter ? long : short)];
}

export function joinIds(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
