// Made lines of mixed scripts, code and emoji, the same for a seed here and in test/golden/make, and the number that stands for a list of numbers.

const ranges = [
  [0x01, 0x1f], [0x20, 0x7e], [0x80, 0xff], [0x100, 0x24f], [0x300, 0x36f], [0x370, 0x3ff], [0x400, 0x52f], [0x590, 0x5ff],
  [0x600, 0x6ff], [0x900, 0x97f], [0xe00, 0xe7f], [0x1100, 0x11ff], [0x1e00, 0x1eff], [0x2000, 0x206f], [0x20a0, 0x20cf], [0x2100, 0x214f],
  [0x2200, 0x22ff], [0x2600, 0x27bf], [0x3000, 0x303f], [0x3040, 0x30ff], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xf900, 0xfaff],
  [0xfe00, 0xfe0f], [0xff00, 0xffef], [0x1d400, 0x1d7ff], [0x1f300, 0x1f6ff], [0x1f900, 0x1f9ff], [0x20000, 0x2a6df],
] as const; // prettier-ignore

export type Below = (bound: number) => number;

export function mulberry32(seed: number): Below {
  let state = seed;
  return bound => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

/** Up to eight pieces: a stretch of a text (given as its characters), or characters of one range. */
export function makeLine(below: Below, texts: readonly (readonly string[])[]): string {
  const parts: string[] = [];
  for (let pieces = 1 + below(8); pieces > 0; pieces--) {
    if (below(3) > 0) {
      const text = texts[below(texts.length)]!;
      const start = below(text.length);
      parts.push(text.slice(start, start + 1 + below(30)).join(""));
    } else {
      const [first, last] = ranges[below(ranges.length)]!;
      parts.push(Array.from({ length: 1 + below(6) }, () => String.fromCodePoint(first + below(last - first + 1))).join(""));
    }
    if (below(2) === 0) parts.push(" ");
  }
  return parts.join("");
}

/** FNV-1a over the numbers. */
export function digest(values: Iterable<number>): number {
  let hash = 0x811c9dc5;
  for (const value of values) hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
  return hash;
}

/** First and last of long runs of letters that behave alike, surrogates and private use. */
const alike = [[0x4e10, 0x9fef], [0xac10, 0xd790], [0xd800, 0xf8ff], [0x17010, 0x187ef], [0x20010, 0x2a6cf]] as const; // prettier-ignore

/** Every other character up to U+33FFF after a letter, after a space and before a digit, 32 in a line. */
export function characterLines(): string[] {
  const codes = Array.from({ length: 0x34000 - 1 }, (_, i) => i + 1).filter(code => !alike.some(([first, last]) => code >= first && code <= last));
  const characters = codes.map(code => String.fromCodePoint(code));
  const starts = Array.from({ length: Math.ceil(characters.length / 32) }, (_, i) => 32 * i);
  return starts.map(at => characters.slice(at, at + 32).map(c => `a${c} ${c}1`).join("")); // prettier-ignore
}
