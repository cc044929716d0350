// The random numbers of sampling: a pure function of (seed, index), so that a row draws the same numbers
// whatever else is in its batch, and after it was interrupted and resumed.

const MULTIPLIER = 0xd256d193;
const WEYL = 0x9e3779b9;
const ROUNDS = 10;

/** The high and low halves of an unsigned 32 × 32-bit product. */
function multiplyWide(a: number, b: number): [high: number, low: number] {
  const product = BigInt(a >>> 0) * BigInt(b >>> 0);
  return [Number(product >> 32n), Number(product & 0xffffffffn)];
}

/** Philox2x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): one 32-bit word of block `counter`. */
export function philox(key: number, counter: number): number {
  let [left, right] = [counter >>> 0, 0];
  let roundKey = key >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [high, low] = multiplyWide(MULTIPLIER, left);
    left = (high ^ roundKey ^ right) >>> 0;
    right = low;
    roundKey = (roundKey + WEYL) >>> 0;
  }
  return left;
}

/**
 * A number in [0, 1 - 2⁻²²] for the index-th token of a sequence. Staying two float32 steps below 1 guarantees
 * that its product with a cumulative sum stays below that sum.
 */
export function uniform(seed: number, index: number): number {
  return Math.min((philox(seed, index) >>> 8) / 2 ** 24, 1 - 2 ** -22);
}
