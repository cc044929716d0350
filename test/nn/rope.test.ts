import { beforeAll, describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { makeRope, readRope, type RopeSettings } from "../../src/nn/index.ts";
import { Fields } from "../../src/weights/fields.ts";
import type { Weights } from "../../src/weights/weights.ts";
import { failure } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";

const read = (json: Record<string, unknown>, dims = 16) => readRope(new Fields(json), dims, 10000);
const llama3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 };

describe("reading config.json", () => {
  test("the base comes from rope_theta, from rope_parameters, or from the family", () => {
    expect(read({})).toEqual({ dims: 16, base: 10000, scale: 1 });
    expect(read({ rope_theta: 500, rope_scaling: null })).toEqual({ dims: 16, base: 500, scale: 1 });
    expect(read({ rope_parameters: { rope_type: "default", rope_theta: 600 } })).toEqual({ dims: 16, base: 600, scale: 1 });
    expect(failure(() => readRope(new Fields({}), 16))).toBe("CheckpointError: config.json: rope_theta is missing");
  });

  test("linear scaling divides positions, under both names of its type", () => {
    for (const key of ["type", "rope_type"]) expect(read({ rope_scaling: { [key]: "linear", factor: 4 } }).scale).toBe(0.25);
    expect(read({ rope_parameters: { rope_type: "linear", factor: 2, rope_theta: 7 } })).toEqual({ dims: 16, base: 7, scale: 0.5 });
  });

  test("llama3 keeps short waves, stretches long ones and blends between", () => {
    const { wavelengths } = read({ rope_scaling: llama3 });
    const plain = Array.from({ length: 8 }, (_, i) => 10000 ** (i / 8));
    expect(wavelengths![0]).toBe(1); // turns 5 times in 32 positions
    expect(wavelengths!.slice(2)).toEqual(plain.slice(2).map(wavelength => wavelength * 8));
    const keep = (32 / (2 * Math.PI * plain[1]!) - 1) / 3;
    expect(wavelengths![1]).toBeCloseTo(plain[1]! / ((1 - keep) / 8 + keep), 12);
  });

  test("what is not supported or makes no sense is refused by field", () => {
    const cases: [json: Record<string, unknown>, message: string][] = [
      [{ rope_scaling: { type: "spiral" } }, 'rope_scaling.type is "spiral", supported: default, linear, llama3'],
      [{ rope_scaling: { rope_type: "linear" } }, "rope_scaling.factor is missing"],
      [{ rope_scaling: { rope_type: "linear", factor: -1 } }, "rope_scaling.factor is -1, not a positive number"],
      [{ rope_scaling: { ...llama3, high_freq_factor: 1 } }, "rope_scaling.high_freq_factor is not greater than low_freq_factor"],
      [{ rope_theta: "much" }, 'rope_theta is "much", not a positive number'],
      [{ rope_scaling: [] }, "rope_scaling is [], not an object"],
    ];
    for (const [json, message] of cases) expect(failure(() => read(json))).toBe(`CheckpointError: config.json: ${message}`);
    expect(failure(() => read({}, 15))).toBe("CheckpointError: config.json: head_dim is 15, not an even number");
  });
});

describe("turning", () => {
  beforeAll(openForTests);
  const owner = { constant: (make: () => mx.Tensor) => make() } as unknown as Weights;

  /** Pair i of position p is turned by scale · p / wavelength i. */
  function expected(settings: RopeSettings, x: Float32Array, positions: readonly number[]): number[] {
    const { dims, base, scale, wavelengths = Array.from({ length: dims / 2 }, (_, i) => base ** ((2 * i) / dims)) } = settings;
    return positions.flatMap((position, row) => {
      const values = [...x.subarray(row * dims, (row + 1) * dims)];
      const angles = wavelengths.map(wavelength => (position * scale) / wavelength);
      const half = (at: number, other: number, sign: number) =>
        angles.map((angle, i) => values[at + i]! * Math.cos(angle) + sign * values[other + i]! * Math.sin(angle));
      return [...half(0, dims / 2, -1), ...half(dims / 2, 0, 1)];
    });
  }

  test("every row of a batch counts from its own offset", () => {
    for (const json of [{}, { rope_scaling: { type: "linear", factor: 4 } }, { rope_scaling: llama3 }]) {
      const settings = read(json);
      mx.scope(() => {
        const x = mx.randomNormal([2, 1, 3, 16], "float32", 5);
        const turned = makeRope(owner, settings)(x, { rows: 2, length: 3, offsets: mx.fromArray(Int32Array.from([40, 0]), [2]) });
        const wanted = expected(settings, mx.toFloat32(x), [40, 41, 42, 0, 1, 2]);
        mx.toFloat32(turned).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4));
      });
    }
  });
});
