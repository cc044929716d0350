// SentencePiece's compiled normalization: a double-array trie from byte sequences to places in a list of replacements (darts-clone's layout).
import { fromBytes, toBytes } from "./utf8.ts";

/** `encoded` is the base64 text of a "Precompiled" normalizer. Throws when its sizes do not fit. */
export function readCharsMap(encoded: string): (text: string) => string {
  const bytes = Uint8Array.from(Buffer.from(encoded, "base64"));
  const view = new DataView(bytes.buffer);
  const size = bytes.length < 4 ? -1 : view.getUint32(0, true);
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) throw new Error("the precompiled character map is damaged");
  const units = Uint32Array.from({ length: size / 4 }, (_, at) => view.getUint32(4 + 4 * at, true));
  const replacements = bytes.subarray(4 + size);

  /** What stands for the shortest known beginning of the key. */
  const find = (key: Uint8Array): string | undefined => {
    let at = offsetOf(units[0]!);
    for (const byte of key) {
      at ^= byte;
      const unit = units[at];
      if (unit === undefined || (unit & 0x800000ff) !== byte) return undefined;
      at ^= offsetOf(unit);
      if ((unit & 0x100) === 0) continue;
      const start = (units[at] ?? 0) & 0x7fffffff;
      return fromBytes(replacements.subarray(start, replacements.indexOf(0, start)));
    }
    return undefined;
  };

  const known = new Map<string, string>();
  const replace = (grapheme: string): string => {
    const before = known.get(grapheme);
    if (before !== undefined) return before;
    const key = toBytes(grapheme);
    const whole = key.length < 6 ? find(key) : undefined; // the reference looks long ones up by character only
    const result = whole ?? Array.from(grapheme, character => find(toBytes(character)) ?? character).join("");
    if (known.size > 10_000) known.clear();
    known.set(grapheme, result);
    return result;
  };
  return text => Array.from(graphemes.segment(text), ({ segment }) => replace(segment)).join("");
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
