import { expect, test } from "bun:test";
import { readQuantization, inferQuantization } from "../../src/weights/quantization.ts";
import { failure } from "../helpers/checkpoints.ts";

const supported = "supported are 2, 3, 4, 5, 6, 8 bits in groups of 32, 64, 128";
const fails = (json: Record<string, unknown>) => failure(() => readQuantization(json));

test("layers named in the settings are packed as they say, false leaves them dense", () => {
  const quantization = { bits: 4, group_size: 64, mode: "affine", a: { bits: 8, group_size: 32 }, b: false, c: true, d: { bits: 3 } };
  for (const json of [{ quantization }, { quantization, quantization_config: { quant_method: "ignored" } }, { quantization_config: quantization }]) {
    const settings = readQuantization(json);
    expect(["a", "b", "c", "d", "e"].map(name => settings.get(name))).toEqual([
      { bits: 8, groupSize: 32 },
      false,
      { bits: 4, groupSize: 64 },
      { bits: 3, groupSize: 64 },
      undefined,
    ]);
  }
});

test("other layers are packed as their shapes say", () => {
  expect(inferQuantization("x", 128, 20, 4)).toEqual({ bits: 5, groupSize: 32 });
  expect(inferQuantization("x", 256, 64, 2)).toEqual({ bits: 8, groupSize: 128 });
  expect(failure(() => inferQuantization('m: tensor "w"', 128, 28, 2))).toBe(
    `CheckpointError: m: tensor "w" is packed as 7 bits, group size 64; ${supported}`,
  );
});

test("packing that is not supported is refused by name", () => {
  expect(fails({ quantization: { bits: 7, group_size: 64 } })).toBe(`CheckpointError: config.json: quantization.bits is 7; ${supported}`);
  expect(fails({ quantization: { bits: 4, group_size: 16 } })).toBe(`CheckpointError: config.json: quantization.group_size is 16; ${supported}`);
  expect(fails({ quantization: { bits: 4, group_size: 64, a: { bits: 1 } } })).toBe(
    `CheckpointError: config.json: quantization.a.bits is 1; ${supported}`,
  );
  expect(fails({ quantization: { mode: "mxfp4" } })).toBe('CheckpointError: config.json: quantization.mode is "mxfp4", supported: affine');
  expect(fails({ quantization_config: { quant_method: "awq" } })).toBe(
    'CheckpointError: config.json: quantization_config.quant_method is "awq", supported are checkpoints quantized for MLX',
  );
  expect(fails({ quantization: 4 })).toBe("CheckpointError: config.json: quantization is 4, not an object");
});
