import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import type { Tensor } from "../../src/mx/index.ts";
import { failure } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { numbers, packed, random, withWeights } from "./open.ts";

beforeAll(openForTests);
afterAll(() => expect(mx.liveHandles()).toBe(0));

const worst = (a: Tensor, b: Tensor): number => mx.toFloat32(mx.max(mx.abs(mx.subtract(a, b))))[0]!;
const one = (stack: Tensor, i: number): Tensor => mx.squeeze(mx.sliceAxis(stack, 0, i, i + 1), 0);

describe("experts", () => {
  const gate = () => random([3, 8, 64], 1);
  const up = () => random([3, 8, 64], 2);
  const rows = () => random([4, 1, 64], 3);
  const chosen = [2, 0, 0, 1];
  const indices = () => mx.fromArray(Uint32Array.from(chosen), [4]);
  const names = ["gate", "up"].map(whole => ({ whole, apart: (i: number) => `e.${i}.${whole}` }));

  /** Row by row with its own expert's matrix: gate beside up, [4, 1, 16]. */
  const expected = (): Tensor =>
    mx.stack(
      chosen.map((expert, i) => mx.matmul(one(rows(), i), mx.transpose(mx.concatenate([one(gate(), expert), one(up(), expert)], 0)))),
      0,
    );
  const check = (stored: () => Record<string, Tensor>, tolerance: number): void => {
    for (const turned of [false, true])
      withWeights(
        stored,
        w => {
          const experts = w.experts(names, 3, 64, 8);
          expect([w.finish(), w.parameters]).toEqual([[], 2 * 3 * 8 * 64]);
          expect(worst(experts(rows(), indices(), false), expected())).toBeLessThan(tolerance);
        },
        {},
        turned,
      );
  };
  const apart = (name: string, all: Tensor) => Object.fromEntries([0, 1, 2].map(i => [`e.${i}.${name}.weight`, mx.contiguous(one(all, i))]));

  test("each row meets the expert that its index names, whether experts are stored together or apart", () => {
    check(() => ({ "gate.weight": gate(), "up.weight": up() }), 1e-5);
    check(() => ({ ...apart("gate", gate()), ...apart("up", up()) }), 1e-5);
    check(() => ({ "gate.weight": gate(), ...apart("up", up()) }), 1e-5);
  });

  test("packed ones give what they stand for, up to rounding, also where gate and up are packed in two ways", () => {
    const pack = (name: string, all: Tensor, bits: number) => {
      const [weight, scales, biases] = mx.quantize(all, { bits, groupSize: 64, mode: "affine" }) as [Tensor, Tensor, Tensor];
      return { [`${name}.weight`]: weight, [`${name}.scales`]: scales, [`${name}.biases`]: biases };
    };
    check(() => ({ ...pack("gate", gate(), 8), ...pack("up", up(), 8) }), 0.2);
    check(() => ({ ...pack("gate", gate(), 8), "up.weight": up() }), 0.2);
  });

  test("every expert has its own bias", () => {
    const biases = () => random([3, 8], 5);
    withWeights(
      () => ({ "gate.weight": gate(), "gate.bias": biases() }),
      w => {
        const [without, experts] = [mx.matmul(rows(), mx.swapaxes(mx.take(gate(), indices(), 0), 1, 2)), w.experts([names[0]!], 3, 64, 8, true)];
        const added = mx.add(without, mx.expandDims(mx.take(biases(), indices(), 0), 1));
        expect(worst(experts(rows(), indices(), false), added)).toBeLessThan(1e-5);
      },
    );
  });

  test("experts that are missing, or stored in several ways, are an error", () => {
    const some = () => ({ "e.0.gate.weight": random([8, 64], 1), "e.1.gate.weight": random([8, 64], 1, "float16") });
    expect(withWeights(some, w => failure(() => w.experts([names[0]!], 3, 64, 8)))).toEndWith('tensor "e.2.gate.weight" is missing');
    const none = () => ({ other: random([1], 1) });
    expect(withWeights(none, w => failure(() => w.experts([names[0]!], 3, 64, 8)))).toEndWith('tensor "gate.weight" is missing');
    const mixed = () => ({ ...packed("e.0.gate", 1, 4, 64, [8, 64]), "e.1.gate.weight": random([8, 64], 1) });
    expect(withWeights(mixed, w => failure(() => w.experts([names[0]!], 2, 64, 8)))).toBe(
      'CheckpointError: matrices "e.0.gate" and following are stored in several ways',
    );
  });
});

describe("matrices of heads", () => {
  test("a projection to two outputs per head becomes two stacks, the first applied backwards", () => {
    const stored = () => random([3 * (32 + 16), 64], 1);
    const [asked, found] = [() => random([2, 3, 5, 32], 2), () => random([2, 3, 5, 64], 3)];
    const heads = () => mx.reshape(stored(), [3, 48, 64]);
    const cases = [() => ({ "kv.weight": stored() }), () => packed("kv", 1, 8, 32, [144, 64])];
    for (const make of cases)
      for (const turned of [false, true])
        withWeights(
          make,
          w => {
            const [backward, forward] = w.headPair("kv", 3, 64, [32, 16]);
            expect(w.finish()).toEqual([]);
            expect(worst(backward(asked()), mx.matmul(asked(), mx.sliceAxis(heads(), 1, 0, 32)))).toBeLessThan(0.3);
            expect(worst(forward(found()), mx.matmul(found(), mx.swapaxes(mx.sliceAxis(heads(), 1, 32, 48), 1, 2)))).toBeLessThan(0.3);
          },
          {},
          turned,
        );
  });

  test("a stack has one matrix per head", () => {
    withWeights(
      () => ({ "a.weight": random([3, 8, 16], 1) }),
      w => {
        const x = random([2, 3, 5, 16], 2);
        expect(numbers(w.heads("a", 3, 16, 8)(x))).toEqual(numbers(mx.matmul(x, mx.swapaxes(random([3, 8, 16], 1), 1, 2))));
      },
    );
  });
});

test("another layout is read by what is made of a stored tensor, under new names", () => {
  withWeights(
    () => ({ "m.both": random([4, 2], 1), "m.old": random([3], 2), "m.rest": random([1], 3) }),
    w => {
      const m = w.at("m");
      m.derive("both", both => ({ first: mx.contiguous(mx.sliceAxis(both, 0, 0, 2)), second: mx.contiguous(mx.sliceAxis(both, 0, 2, 4)) }));
      m.derive("old", old => ({ new: old }));
      m.derive("absent", () => ({ never: random([1], 4) }));
      expect([m.has("both"), m.has("old"), m.has("never")]).toEqual([false, false, false]);
      expect(numbers(m.tensor("second", [2, 2]))).toEqual(numbers(random([4, 2], 1)).slice(4));
      expect(numbers(m.numbers("new", [3]))).toEqual(numbers(random([3], 2)));
      expect(w.finish()).toEqual(["m.first", "m.rest"]);
    },
  );
});
