// Which numbers a sparse gate lets through.
import { beforeAll, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { normalQuantile, sparseGate } from "../../src/nn/sparse-gate.ts";
import { openForTests } from "../helpers/mx.ts";

beforeAll(openForTests);

test.each([
  [0.5, 0],
  [0.95, 1.6448536269514722],
  [0.1, -1.2815515655446004],
  [0.9999, 3.719016485455709],
  [0.001, -3.090232306167813],
])("a share %p of the normal distribution lies below %p", (share, bound) => {
  expect(normalQuantile(share)).toBeCloseTo(bound, 9);
});

test("numbers below the mean and so many deviations become 0, the others lose as much", () => {
  const numbers = [3, -1, 4, 1, -5, 9, 2, -6]; // mean 0.875, variance 20.859375
  const bound = 0.875 + normalQuantile(0.6) * Math.sqrt(20.859375);
  const found = mx.scope(() => [...mx.toFloat32(sparseGate(0.6)(mx.fromArray(Float32Array.from(numbers), [1, 8])))]);
  numbers.forEach((n, i) => expect(found[i]!).toBeCloseTo(Math.max(0, n - bound), 5));
});
