import { expect, test } from "bun:test";
import { agreement } from "../../src/util/agreement.ts";

test("agreement is the share of equal values in equal places, over the longer list", () => {
  expect(agreement([], [])).toBe(1);
  expect(agreement([1, 2, 3, 4], [1, 2, 3, 4])).toBe(1);
  expect(agreement([1, 2, 3, 4], [1, 9, 3, 9])).toBe(0.5);
  expect(agreement([1, 2, 3, 4], [1, 2])).toBe(0.5);
  expect(agreement([1], [])).toBe(0);
  expect(agreement([], [1])).toBe(0);
  expect(agreement([1, 2, 3], [2, 3, 1])).toBe(0);
});
