import { expect, test } from "bun:test";
import type * as mx from "../../src/mx/index.ts";
import { readQuantization, inferQuantization } from "../../src/weights/quantization.ts";
import { failure } from "../helpers/checkpoints.ts";

const supported = "supported are 2, 3, 4, 5, 6, 8 bits in groups of 32, 64, 128; mxfp4 in groups of 32; mxfp8 in groups of 32; nvfp4 in groups of 16";
const fails = (json: Record<string, unknown>) => failure(() => readQuantization(json));

test("layers named in the settings are packed as they say, false leaves them dense", () => {
  const quantization = { bits: 4, group_size: 64, mode: "affine", a: { bits: 8, group_size: 32 }, b: false, c: true, d: { bits: 3 } };
  for (const json of [{ quantization }, { quantization, quantization_config: { quant_method: "ignored" } }, { quantization_config: quantization }]) {
    const settings = readQuantization(json);
    expect(["a", "b", "c", "d", "e"].map(name => settings.get(name))).toEqual([
      { bits: 8, groupSize: 32, mode: "affine" },
      false,
      { bits: 4, groupSize: 64, mode: "affine" },
      { bits: 3, groupSize: 64, mode: "affine" },
      undefined,
    ]);
  }
});

test("a layer's mode is its own, affine where it names none", () => {
  const quantization = {
    mode: "mxfp4",
    a: { mode: "nvfp4" },
    b: { mode: "mxfp8", bits: 8, group_size: 32 },
    c: { bits: 8, group_size: 64 },
    d: true,
  };
  const settings = readQuantization({ quantization });
  expect(["a", "b", "c", "d"].map(name => settings.get(name))).toEqual([
    { bits: 4, groupSize: 16, mode: "nvfp4" },
    { bits: 8, groupSize: 32, mode: "mxfp8" },
    { bits: 8, groupSize: 64, mode: "affine" },
    { bits: 4, groupSize: 32, mode: "mxfp4" },
  ]);
  expect(readQuantization({ quantization_config: { quant_method: "mxfp4", modules_to_not_convert: ["x"] } }).size).toBe(0);
});

test("other layers are packed as their shapes say, and in floating point where scales are bytes", () => {
  expect(inferQuantization("x", 128, 20, 4, "bfloat16")).toEqual({ bits: 5, groupSize: 32, mode: "affine" });
  expect(inferQuantization("x", 256, 64, 2, "float32")).toEqual({ bits: 8, groupSize: 128, mode: "affine" });
  expect(inferQuantization("x", 128, 16, 4, "uint8").mode).toBe("mxfp4");
  expect(inferQuantization("x", 128, 32, 4, "uint8").mode).toBe("mxfp8");
  expect(inferQuantization("x", 128, 16, 8, "uint8").mode).toBe("nvfp4");
  const failed = (words: number, groups: number, scales: mx.Dtype) => failure(() => inferQuantization('m: tensor "w"', 128, words, groups, scales));
  expect(failed(28, 2, "float16")).toBe(`CheckpointError: m: tensor "w" is packed as 7 bits, group size 64; ${supported}`);
  expect(failed(16, 2, "uint8")).toBe(`CheckpointError: m: tensor "w" is packed as 4 bits, group size 64; ${supported}`);
});

test("packing that is not supported is refused by name", () => {
  expect(fails({ quantization: { bits: 7, group_size: 64 } })).toBe(`CheckpointError: config.json: quantization.bits is 7; ${supported}`);
  expect(fails({ quantization: { bits: 4, group_size: 16 } })).toBe(`CheckpointError: config.json: quantization.group_size is 16; ${supported}`);
  expect(fails({ quantization: { bits: 4, group_size: 64, a: { bits: 1 } } })).toBe(
    `CheckpointError: config.json: quantization.a.bits is 1; ${supported}`,
  );
  expect(fails({ quantization: { mode: "mxfp5" } })).toBe(
    'CheckpointError: config.json: quantization.mode is "mxfp5", supported: affine, mxfp4, mxfp8, nvfp4',
  );
  expect(fails({ quantization: { mode: "nvfp4", group_size: 32 } })).toEndWith(`quantization.group_size is 32; ${supported}`);
  expect(fails({ quantization_config: { quant_method: "awq" } })).toBe(
    'CheckpointError: config.json: quantization_config.quant_method is "awq", supported are mxfp4, fp8 and checkpoints quantized for MLX',
  );
  expect(fails({ quantization: 4 })).toBe("CheckpointError: config.json: quantization is 4, not an object");
});
