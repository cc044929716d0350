import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import type { Tensor } from "../../src/mx/index.ts";
import { readTensors } from "../../src/weights/checkpoint.ts";
import { readQuantization } from "../../src/weights/quantization.ts";
import { Weights } from "../../src/weights/weights.ts";
import { failure, withFolder, zeroTensors } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { numbers, packed, random, withWeights } from "./open.ts";

beforeAll(openForTests);
afterAll(() => expect(mx.liveHandles()).toBe(0));

describe("reading by name", () => {
  const shapes = () => ({ "a.b.weight": random([2, 3], 1), "a.bias": random([4], 2), other: random([1], 3), old: random([1], 4) });

  test("prefixes add up, missing optional tensors are undefined, unread ones are listed", () => {
    withWeights(shapes, w => {
      const a = w.at("a");
      expect(mx.shape(a.at("b").tensor("weight", [2, 3]))).toEqual([2, 3]);
      expect([a.has("bias"), a.optional("missing"), a.has("weight")]).toEqual([true, undefined, false]);
      w.skip("old");
      expect(w.finish()).toEqual(["a.bias", "other"]);
      expect([w.parameters, w.bytes, w.quantization]).toEqual([6, 24, "float32"]);
    });
  });

  test("a missing tensor is an error with its full name and file", () => {
    const message = withWeights(shapes, w => failure(() => w.at("a").linear("c", 2, 3)));
    expect(message).toBe('CheckpointError: model.safetensors: tensor "a.c.weight" is missing');
  });

  test("with several files the index is named", () => {
    const files = { "model-1.safetensors": zeroTensors({ a: [1] }), "model-2.safetensors": zeroTensors({ b: [1] }) };
    const message = withFolder(files, folder => {
      const w = Weights.open(folder, readTensors(folder), readQuantization({}), { turned: false });
      const text = failure(() => w.tensor("c"));
      w.release();
      return text;
    });
    expect(message).toBe('CheckpointError: model.safetensors.index.json: tensor "c" is missing');
  });

  test("a tensor of another shape is an error with both shapes", () => {
    const message = withWeights(shapes, w => failure(() => w.linear("a.b", 5, 2)));
    expect(message).toBe('CheckpointError: model.safetensors: tensor "a.b.weight" has shape [2, 3], expected [2, 5]');
  });

  test("a tensor of another type is an error", () => {
    const integers = () => ({
      "a.weight": mx.zeros([2, 3], "int32"),
      "b.weight": mx.zeros([2, 16], "float32"),
      "b.scales": mx.zeros([2, 1], "float32"),
    });
    expect(withWeights(integers, w => failure(() => w.linear("a", 3, 2)))).toEndWith('"a.weight" is of int32, expected floating-point numbers');
    expect(withWeights(integers, w => failure(() => w.linear("b", 128, 2)))).toEndWith('"b.weight" is of float32, expected packed uint32');
  });

  test("16-bit numbers are float32 on the CPU", () => {
    withWeights(
      () => ({ a: random([3], 1, "bfloat16"), b: random([3], 2, "float16"), c: mx.zeros([3], "int32") }),
      w => expect(["a", "b", "c"].map(name => mx.dtype(w.tensor(name)))).toEqual(["float32", "float32", "int32"]),
    );
  });
});

describe("matrices", () => {
  const x = () => random([1, 5, 128], 9);

  test("a dense projection multiplies with the transpose and adds its bias", () => {
    const tensors = () => ({ "a.weight": random([8, 128], 1), "a.bias": random([8], 2) });
    withWeights(tensors, w => {
      const expected = mx.add(mx.matmul(x(), mx.transpose(random([8, 128], 1))), random([8], 2));
      expect(mx.toFloat32(mx.max(mx.abs(mx.subtract(w.linear("a", 128, 8)(x()), expected))))[0]).toBeLessThan(1e-5);
    });
  });

  test("config.json can demand a bias, or leave one out", () => {
    const tensors = () => ({ "a.weight": random([8, 128], 1), "a.bias": random([8], 2), "b.weight": random([8, 128], 3) });
    withWeights(tensors, w => {
      expect(failure(() => w.linear("b", 128, 8, true))).toEndWith('tensor "b.bias" is missing');
      const without = w.linear("a", 128, 8, false);
      expect(numbers(without(x()))).toEqual(numbers(mx.matmul(x(), mx.transpose(random([8, 128], 1)))));
      expect(w.finish()).toEqual(["a.bias", "b.weight"]);
    });
  });

  test("a packed projection gives the product with what it stands for, at every supported packing", () => {
    for (const bits of [2, 3, 4, 5, 6, 8])
      for (const groupSize of [32, 64, 128])
        withWeights(
          () => ({ ...packed("a", bits, bits, groupSize), "a.bias": random([8], 7) }),
          w => {
            const [weight, scales, biases] = Object.values(packed("a", bits, bits, groupSize)) as [Tensor, Tensor, Tensor];
            const dense = mx.dequantize(weight, scales, biases, { bits, groupSize, mode: "affine" });
            const expected = mx.add(mx.matmul(x(), mx.transpose(dense)), random([8], 7));
            expect(mx.toFloat32(mx.max(mx.abs(mx.subtract(w.linear("a", 128, 8)(x()), expected))))[0]).toBeLessThan(1e-4);
            expect([w.parameters, w.quantization]).toEqual([8 * 128 + 8, `${bits}-bit group ${groupSize}`]);
          },
        );
  });

  test("settings that do not fit the stored shapes are an error", () => {
    const quantization = { bits: 4, group_size: 64, a: { bits: 8, group_size: 64 } };
    expect(
      withWeights(
        () => packed("a", 1, 4, 64),
        w => failure(() => w.linear("a", 128, 8)),
        { quantization },
      ),
    ).toEndWith('tensor "a.weight" has shape [8, 16], expected [8, 32]');
    const dense = { quantization: { bits: 4, group_size: 64, a: false } };
    expect(
      withWeights(
        () => packed("a", 1, 4, 64),
        w => failure(() => w.linear("a", 128, 8)),
        dense,
      ),
    ).toEndWith('tensor "a.weight" has shape [8, 16], expected [8, 128]');
    expect(
      withWeights(
        () => packed("a", 1, 4, 64),
        w => failure(() => w.linear("a", 32, 8)),
      ),
    ).toContain("is packed as 16 bits, group size 16; supported are");
  });

  test("an embedding looks rows up and projects back, dense and packed", () => {
    const ids = () => mx.fromArray(Int32Array.from([3, 0, 7]), [1, 3]);
    const q = { bits: 4, groupSize: 32, mode: "affine" } as const;
    withWeights(
      () => ({ ...packed("a", 1, 4, 32), "b.weight": random([8, 128], 2) }),
      w => {
        const [weight, scales, biases] = Object.values(packed("a", 1, 4, 32)) as [Tensor, Tensor, Tensor];
        const tables = { a: mx.dequantize(weight, scales, biases, q), b: random([8, 128], 2) };
        for (const [name, table] of Object.entries(tables)) {
          const embedding = w.embedding(name, 8, 128);
          expect(numbers(embedding.rows(ids()))).toEqual(numbers(mx.take(table, ids(), 0)));
          const difference = mx.subtract(embedding.project(x()), mx.matmul(x(), mx.transpose(table)));
          expect(mx.toFloat32(mx.max(mx.abs(difference)))[0]).toBeLessThan(1e-4);
        }
      },
    );
  });

  describe("projections of one input", () => {
    const outputs = { q: 8, k: 4, v: 4 };
    const compare = (make: () => Record<string, Tensor>, products: number) => {
      const apart = withWeights(make, w => Object.entries(outputs).map(([name, n]) => numbers(w.linear(name, 128, n)(x()))));
      withWeights(make, w => {
        const project = w.linears(128, outputs);
        w.finish();
        const input = x();
        mx.evaluate(input);
        const parts = project(input);
        const found = mx.primitives(Object.values(parts));
        expect((found.get("Matmul") ?? 0) + (found.get("AddMM") ?? 0) + (found.get("QuantizedMatmul") ?? 0)).toBe(products);
        expect(Object.keys(parts)).toEqual(Object.keys(outputs));
        expect(Object.values(parts).map(numbers)).toEqual(apart);
      });
    };

    test("dense ones are one product", () => {
      compare(() => ({ "q.weight": random([8, 128], 1), "k.weight": random([4, 128], 2), "v.weight": random([4, 128], 3) }), 1);
    });

    test("dense ones with biases are one product", () => {
      compare(
        () => ({
          ...{ "q.weight": random([8, 128], 1), "k.weight": random([4, 128], 2), "v.weight": random([4, 128], 3) },
          ...{ "q.bias": random([8], 4), "k.bias": random([4], 5), "v.bias": random([4], 6) },
        }),
        1,
      );
    });

    test("those packed alike are one product", () => {
      compare(() => ({ ...packed("q", 1, 4, 64), ...packed("k", 2, 4, 64, [4, 128]), ...packed("v", 3, 4, 64, [4, 128]) }), 1);
    });

    test("one packed otherwise stays apart", () => {
      compare(() => ({ ...packed("q", 1, 4, 64), ...packed("k", 2, 4, 64, [4, 128]), ...packed("v", 3, 6, 64, [4, 128]) }), 2);
      compare(() => ({ ...packed("q", 1, 4, 64), ...packed("k", 2, 4, 32, [4, 128]), "v.weight": random([4, 128], 3) }), 3);
    });
  });

  test("how most parameters are stored is said, and that others are stored otherwise", () => {
    withWeights(
      () => ({ ...packed("a", 1, 4, 64), ...packed("b", 2, 8, 32, [4, 128]), "c.weight": random([2, 128], 3) }),
      w => {
        w.linear("a", 128, 8);
        w.linear("c", 128, 2);
        expect(w.quantization).toBe("4-bit group 64");
        w.linear("b", 128, 4);
        expect(w.quantization).toBe("4-bit group 64, mixed");
        expect(w.parameters).toBe(14 * 128);
      },
    );
  });
});
