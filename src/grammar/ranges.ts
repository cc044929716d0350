// Sets of numbers as sorted ranges, and how UTF-8 writes a range of code points.

export type Ranges = readonly (readonly [from: number, to: number])[];

export const MAX_CODE_POINT = 0x10ffff;

/** Sorted, disjoint, not touching. */
export function normalize(ranges: Ranges): Ranges {
  const made: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = made.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else made.push([from, to]);
  }
  return made;
}

/** All numbers from 0 to `max` that are not in the ranges. */
export function complement(ranges: Ranges, max: number): Ranges {
  const made: [number, number][] = [];
  let next = 0;
  for (const [from, to] of normalize(ranges)) {
    if (from > next) made.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= max) made.push([next, max]);
  return made;
}

export function intersection(a: Ranges, b: Ranges, max: number): Ranges {
  return complement([...complement(a, max), ...complement(b, max)], max);
}

type ByteRange = readonly [from: number, to: number];

/** Sequences of byte ranges that together are the UTF-8 of the code points from … to; surrogates are left out. */
export function utf8Ranges(from: number, to: number): ByteRange[][] {
  if (from > to) return [];
  if (from <= 0xdfff && to >= 0xd800) return [...utf8Ranges(from, 0xd7ff), ...utf8Ranges(0xe000, to)].filter(made => made.length > 0);
  for (const limit of [0x7f, 0x7ff, 0xffff]) if (from <= limit && to > limit) return [...utf8Ranges(from, limit), ...utf8Ranges(limit + 1, to)];
  if (to <= 0x7f) return [[[from, to]]];
  for (const bits of [6, 12, 18]) {
    const mask = (1 << bits) - 1;
    if (from >> bits === to >> bits) continue;
    if ((from & mask) !== 0) return [...utf8Ranges(from, from | mask), ...utf8Ranges((from | mask) + 1, to)];
    if ((to & mask) !== mask) return [...utf8Ranges(from, (to & ~mask) - 1), ...utf8Ranges(to & ~mask, to)];
  }
  const low = bytesOf(from);
  const high = bytesOf(to);
  return [low.map((byte, i): ByteRange => [byte, high[i]!])];
}

function bytesOf(code: number): number[] {
  const tail = (shift: number) => 0x80 | ((code >> shift) & 0x3f);
  if (code <= 0x7ff) return [0xc0 | (code >> 6), tail(0)];
  if (code <= 0xffff) return [0xe0 | (code >> 12), tail(6), tail(0)];
  return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)];
}
