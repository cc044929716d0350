import { expect, test } from "bun:test";
import { philox, uniform } from "../../src/sampling/uniform.ts";

test("philox gives the known answers of the Random123 distribution for a zero high word", () => {
  // kat_vectors of Random123: philox2x32, 10 rounds, counter (0, 0), key 0
  expect(philox(0, 0)).toBe(0xff1dae59);
});

test("draws are spread evenly over [0, 1) and stay below it", () => {
  const buckets = new Array<number>(10).fill(0);
  for (let seed = 0; seed < 100; seed++) for (let i = 0; i < 200; i++) buckets[Math.floor(uniform(seed, i) * 10)]! += 1;
  for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(200); // 4.5 standard deviations
});
