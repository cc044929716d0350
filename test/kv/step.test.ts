// What a pass looks over, and the mask that hides the rest.
import { beforeAll, expect, test } from "bun:test";
import { Step } from "../../src/kv/step.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";

beforeAll(openForTests);

const looksOver = (lengths: readonly number[], length: number, window?: number, backend: mx.Backend = "cpu") =>
  mx.scope(() => {
    const step = new Step(lengths, length, backend);
    return { from: step.start(window), to: step.span, masked: typeof step.mask(window) === "number" };
  });

test("one more token of rows of one length looks over its window, and nothing is masked", () => {
  expect(looksOver([1000], 1, 100)).toEqual({ from: 901, to: 1001, masked: false });
  expect(looksOver([1000, 1000], 1, 100)).toEqual({ from: 901, to: 1001, masked: false });
  expect(looksOver([1000], 1)).toEqual({ from: 0, to: 1001, masked: false });
  expect(looksOver([60], 1, 100)).toEqual({ from: 0, to: 61, masked: false });
});

test("rows of different lengths look over what the shortest one's window needs, and so do several tokens, in whole steps", () => {
  expect(looksOver([1000, 1200], 1, 100)).toEqual({ from: 768, to: 1201, masked: true });
  expect(looksOver([1000], 64, 100)).toEqual({ from: 768, to: 1064, masked: true });
  expect(looksOver([1000], 64)).toEqual({ from: 0, to: 1064, masked: false });
  expect(looksOver([1000, 1200], 1, 100, "cuda")).toEqual({ from: 768, to: 1280, masked: true });
});

test("a mask shows each token its window, the positions before it and itself", () => {
  const shown = mx.scope(() => {
    const step = new Step([600, 300], 1, "cpu");
    const from = step.start(5);
    const mask = mx.toFloat32(mx.astype(step.mask(5) as mx.Tensor, "float32"));
    const width = step.span - from;
    return [0, 1].map(row => [...mask.subarray(row * width, (row + 1) * width)].flatMap((seen, k) => (seen === 0 ? [] : [from + k])));
  });
  expect(shown).toEqual([
    [596, 597, 598, 599, 600],
    [296, 297, 298, 299, 300],
  ]);
});
