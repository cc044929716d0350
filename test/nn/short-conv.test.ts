// The causal convolution by taps is the grouped convolution that GPU back ends compute, and does not depend on chunks.
import { beforeAll, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { byTaps } from "../../src/nn/short-conv.ts";
import { openForTests } from "../helpers/mx.ts";

beforeAll(openForTests);

test.each([
  [1, 3],
  [9, 4],
  [40, 2],
])("%d positions, %d taps", (length, width) => {
  const channels = 6;
  const [taps, convolved] = mx.scope(() => {
    const inputs = mx.randomNormal([2, length + width - 1, channels], "float32", 1);
    const kernel = mx.randomNormal([channels, width, 1], "float32", 2);
    const turned = mx.contiguous(mx.transpose(mx.squeeze(kernel, 2)));
    return [byTaps(inputs, turned, width), mx.conv1d(inputs, kernel, 1, 0, 1, channels)].map(mx.toFloat32);
  }) as [Float32Array, Float32Array];
  expect(taps.length).toBe(2 * length * channels);
  taps.forEach((value, i) => expect(value).toBeCloseTo(convolved[i]!, 5));
});

test("one position gives the bits that it gives among others", () => {
  const [length, width, channels] = [12, 4, 5];
  const { whole, single } = mx.scope(() => {
    const inputs = mx.randomNormal([1, length + width - 1, channels], "float32", 3);
    const taps = mx.randomNormal([width, channels], "float32", 4);
    const each = Array.from({ length }, (_, i) => byTaps(mx.sliceAxis(inputs, 1, i, i + width), taps, width));
    return { whole: [...mx.toFloat32(byTaps(inputs, taps, width))], single: each.flatMap(one => [...mx.toFloat32(one)]) };
  });
  expect(single).toEqual(whole);
});
