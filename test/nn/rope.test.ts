import { beforeAll, describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { makeRope, readLocalRope, readRope, readYarnScale, type RopeOptions, type RopeSettings } from "../../src/nn/index.ts";
import { Fields } from "../../src/weights/fields.ts";
import type { Weights } from "../../src/weights/weights.ts";
import { failure } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";

const read = (json: Record<string, unknown>, width = 16, more: RopeOptions = {}) => readRope(new Fields(json), width, { base: 10000, ...more });
const plain = Array.from({ length: 8 }, (_, i) => 10000 ** (i / 8));
const yarn = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 };
const llama3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 };

describe("reading config.json", () => {
  test("the base comes from rope_theta, from rope_parameters, or from the family", () => {
    expect(read({})).toEqual({ width: 16, dims: 16, base: 10000, scale: 1 });
    expect(read({ rope_theta: 500, rope_scaling: null })).toEqual({ width: 16, dims: 16, base: 500, scale: 1 });
    expect(read({ rope_parameters: { rope_type: "default", rope_theta: 600 } })).toEqual({ width: 16, dims: 16, base: 600, scale: 1 });
    expect(failure(() => readRope(new Fields({}), 16))).toBe("CheckpointError: config.json: rope_theta is missing");
  });

  test("linear scaling divides positions, under both names of its type", () => {
    for (const key of ["type", "rope_type"]) expect(read({ rope_scaling: { [key]: "linear", factor: 4 } }).scale).toBe(0.25);
    expect(read({ rope_parameters: { rope_type: "linear", factor: 2, rope_theta: 7 } })).toEqual({ width: 16, dims: 16, base: 7, scale: 0.5 });
  });

  test("llama3 keeps short waves, stretches long ones and blends between", () => {
    const { wavelengths } = read({ rope_scaling: llama3 });
    expect(wavelengths![0]).toBe(1); // turns 5 times in 32 positions
    expect(wavelengths!.slice(2)).toEqual(plain.slice(2).map(wavelength => wavelength * 8));
    const keep = (32 / (2 * Math.PI * plain[1]!) - 1) / 3;
    expect(wavelengths![1]).toBeCloseTo(plain[1]! / ((1 - keep) / 8 + keep), 12);
  });

  test("yarn keeps pairs that turn often, stretches those that turn seldom, and blends along the index between", () => {
    // Pairs turn 64 / (2π wavelength) times: the first 10 times, the third and later less than once. No pair turns 32 times.
    const { wavelengths, magnitude } = read({ rope_scaling: yarn });
    const pairTurning = (turns: number) => (16 * Math.log(64 / (turns * 2 * Math.PI))) / (2 * Math.log(10000));
    expect([pairTurning(32) < 0, Math.ceil(pairTurning(1))]).toEqual([true, 3]);
    const stretched = [0, 1 / 3, 2 / 3, 1, 1, 1, 1, 1];
    wavelengths!.forEach((wavelength, i) => expect(wavelength).toBeCloseTo(plain[i]! / (stretched[i]! / 4 + 1 - stretched[i]!), 8));
    expect(magnitude).toBeCloseTo(0.1 * Math.log(4) + 1, 12);

    const exact = read({ rope_scaling: { ...yarn, truncate: false } }).wavelengths!; // as gpt-oss: bounds stay fractions
    expect(exact[1]).toBeCloseTo(plain[1]! / (1 - (1 / pairTurning(1)) * (3 / 4)), 8);
  });

  test("yarn's growth is shared between heads and the scale of attention as config.json says", () => {
    const grown = (weight: number) => 0.1 * weight * Math.log(4) + 1;
    const both = { rope_scaling: { ...yarn, mscale: 0.7, mscale_all_dim: 0.4 } };
    expect(read(both).magnitude).toBeCloseTo(grown(0.7) / grown(0.4), 12);
    expect(readYarnScale(new Fields(both))).toBeCloseTo(grown(0.4) ** 2, 12);
    expect(readYarnScale(new Fields({ rope_scaling: yarn }))).toBe(1);
    expect(read({ rope_scaling: { ...yarn, attention_factor: 1.25 } }).magnitude).toBe(1.25);
    expect(read({ rope_scaling: { rope_type: "yarn", factor: 4 }, max_position_embeddings: 64 }).wavelengths).toEqual(
      read({ rope_scaling: yarn }).wavelengths!,
    );
  });

  test("longrope multiplies each wavelength, by its long factors as soon as the context grows", () => {
    const [short, long] = [plain.map((_, i) => 1 + i), plain.map((_, i) => 2 + i)];
    const scaling = { type: "longrope", short_factor: short, long_factor: long };
    const grown = read({ rope_scaling: scaling, original_max_position_embeddings: 64, max_position_embeddings: 256 });
    expect(grown.wavelengths).toEqual(plain.map((wavelength, i) => wavelength * long[i]!));
    expect(grown.magnitude).toBeCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(64)), 12);
    const same = read({ rope_scaling: { ...scaling, type: "su" }, original_max_position_embeddings: 64, max_position_embeddings: 64 });
    const stated = { ...scaling, short_mscale: 1.5, long_mscale: 1.25 };
    const magnitude = (max: number) => read({ rope_scaling: stated, original_max_position_embeddings: 64, max_position_embeddings: max }).magnitude;
    expect([magnitude(256), magnitude(64)]).toEqual([1.25, 1.5]);
    expect([same.wavelengths, same.magnitude]).toEqual([plain.map((wavelength, i) => wavelength * short[i]!), 1]);
  });

  test("dynamic scaling is plain within the trained context; alpha stretches the base for all texts", () => {
    expect(read({ rope_scaling: { type: "dynamic", factor: 6 } }).base).toBe(10000);
    expect(read({ rope_scaling: { type: "dynamic", factor: 1, alpha: 50 } }).base).toBeCloseTo(10000 * 50 ** (16 / 14), 6);
  });

  test("a part of each head is turned where the family has such a factor", () => {
    expect(read({ partial_rotary_factor: 0.5 }, 16, { partial: 0.25 })).toEqual({ width: 16, dims: 8, base: 10000, scale: 1 });
    expect(read({}, 16, { partial: 0.25 }).dims).toBe(4);
    expect(read({ rope_parameters: { partial_rotary_factor: 0.75 } }, 16, { partial: 1 }).dims).toBe(12);
    expect(read({ partial_rotary_factor: 0.5 }).dims).toBe(16);
    expect(failure(() => read({ partial_rotary_factor: 0.2 }, 16, { partial: 1 }))).toBe(
      "CheckpointError: config.json: partial_rotary_factor is 0.2, which turns no even number of 16 dimensions",
    );
  });

  test("proportional positions turn the first pairs as in a whole head, and the others not at all", () => {
    const full = { rope_type: "proportional", partial_rotary_factor: 0.25, rope_theta: 10000 };
    const parameters = { full_attention: full, sliding_attention: { rope_type: "default", rope_theta: 500 } };
    const still = Array.from({ length: 6 }, () => Infinity);
    const settings = read({ rope_parameters: parameters }, 16, { layers: "full_attention" });
    expect(settings).toEqual({ width: 16, dims: 16, base: 10000, scale: 1, wavelengths: [...plain.slice(0, 2), ...still] });
    expect(read({ rope_parameters: { ...full, factor: 3 } }).wavelengths).toEqual([3, plain[1]! * 3, ...still]);
    expect(read({ rope_parameters: { ...full, partial_rotary_factor: null } }).wavelengths).toEqual(plain);
    expect(readLocalRope(new Fields({ rope_parameters: parameters }), 16)).toEqual({ width: 16, dims: 16, base: 500, scale: 1 });
    expect(readLocalRope(new Fields({ rope_local_base_freq: 7 }), 16).base).toBe(7);
  });

  test("what is not supported or makes no sense is refused by field", () => {
    const longer = { original_max_position_embeddings: 64, max_position_embeddings: 256 };
    const cases: [json: Record<string, unknown>, message: string][] = [
      [
        { rope_scaling: { type: "spiral" } },
        'rope_scaling.type is "spiral", supported: default, linear, dynamic, llama3, yarn, deepseek_yarn, longrope, su, proportional',
      ],
      [{ rope_scaling: { rope_type: "linear" } }, "rope_scaling.factor is missing"],
      [{ rope_scaling: { rope_type: "linear", factor: -1 } }, "rope_scaling.factor is -1, not a positive number"],
      [{ rope_scaling: { ...llama3, high_freq_factor: 1 } }, "rope_scaling.high_freq_factor is not greater than low_freq_factor"],
      [{ rope_theta: "much" }, 'rope_theta is "much", not a positive number'],
      [{ rope_scaling: [] }, "rope_scaling is [], not an object"],
      [{ rope_scaling: { type: "longrope", long_factor: [1] }, ...longer }, "rope_scaling.long_factor has 1 entries for 8 pairs"],
      [{ rope_scaling: { type: "longrope", long_factor: [1, -1] }, ...longer }, "rope_scaling.long_factor has -1, not a positive number"],
      [{ rope_scaling: { type: "longrope" }, ...longer }, "rope_scaling.long_factor is missing"],
    ];
    for (const [json, message] of cases) expect(failure(() => read(json))).toBe(`CheckpointError: config.json: ${message}`);
    expect(failure(() => read({}, 15))).toBe("CheckpointError: config.json: head_dim is 15, not an even number");
  });
});

describe("turning", () => {
  beforeAll(openForTests);
  const owner = { constant: (make: () => mx.Tensor) => make() } as unknown as Weights;

  /** Pair i of position p is turned by scale · p / wavelength i and multiplied by magnitude; dimensions behind `dims` stay. */
  function expected(settings: RopeSettings, x: Float32Array, at: readonly number[]): number[] {
    const { width, dims, base, scale, magnitude = 1, traditional = false } = settings;
    const { wavelengths = Array.from({ length: dims / 2 }, (_, i) => base ** ((2 * i) / dims)) } = settings;
    return at.flatMap((position, row) => {
      const values = [...x.subarray(row * width, (row + 1) * width)];
      wavelengths.forEach((wavelength, i) => {
        const [first, second] = traditional ? [2 * i, 2 * i + 1] : [i, i + dims / 2];
        const [a, b, angle] = [values[first]!, values[second]!, (position * scale) / wavelength];
        values[first] = magnitude * (a * Math.cos(angle) - b * Math.sin(angle));
        values[second] = magnitude * (a * Math.sin(angle) + b * Math.cos(angle));
      });
      return values;
    });
  }

  const turned = (settings: RopeSettings, x: mx.Tensor) =>
    makeRope(owner, settings)(x, { rows: 2, length: 3, offsets: mx.fromArray(Int32Array.from([40, 0]), [2]) });

  test("every row of a batch counts from its own offset", () => {
    const proportional = { type: "proportional", partial_rotary_factor: 0.5 };
    const scalings = [undefined, { type: "linear", factor: 4 }, llama3, yarn, proportional];
    const options: RopeOptions[] = [{}, { partial: 0.5 }, { traditional: true }, { partial: 0.25, traditional: true }];
    for (const settings of scalings.flatMap(rope_scaling => options.map(more => read({ rope_scaling }, 16, more))))
      mx.scope(() => {
        const x = mx.randomNormal([2, 1, 3, 16], "float32", 5);
        const wanted = expected(settings, mx.toFloat32(x), [40, 41, 42, 0, 1, 2]);
        mx.toFloat32(turned(settings, x)).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4));
      });
  });
});
