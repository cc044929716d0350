import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readHeader } from "../../src/weights/safetensors.ts";
import { failure, withFolder } from "../helpers/checkpoints.ts";
import { safetensors } from "../helpers/safetensors.ts";

const read = (file: Buffer) => withFolder({ "model.safetensors": file }, folder => readHeader(join(folder, "model.safetensors")));
const fails = (file: Buffer) => failure(() => read(file));
const tensor = (dtype: string, shape: readonly number[], begin: number, end: number) => ({ dtype, shape, data_offsets: [begin, end] });

test("metadata may be null, as MLX writes it", () => {
  expect(read(safetensors({ __metadata__: null }, 0))).toEqual([]);
});

test("a valid header gives every tensor with its place", () => {
  const header = {
    __metadata__: { format: "mlx" },
    b: tensor("BF16", [2, 3], 8, 20),
    a: tensor("F32", [], 0, 4),
    nothing: tensor("U8", [0, 7], 20, 20),
    gap: tensor("U32", [1], 24, 28),
  };
  expect(read(safetensors(header, 28))).toEqual([
    { name: "b", dtype: "bfloat16", shape: [2, 3], begin: 8, end: 20 },
    { name: "a", dtype: "float32", shape: [], begin: 0, end: 4 },
    { name: "nothing", dtype: "uint8", shape: [0, 7], begin: 20, end: 20 },
    { name: "gap", dtype: "uint32", shape: [1], begin: 24, end: 28 },
  ]);
});

describe("hostile files are refused in one line that says what is wrong", () => {
  const good = { x: tensor("F32", [2], 0, 8) };
  const cases: Readonly<Record<string, readonly [file: Buffer, message: string]>> = {
    "an empty file": [Buffer.alloc(0), "truncated, 0 bytes are no safetensors file; the download may be incomplete"],
    "a file of seven bytes": [Buffer.alloc(7), "truncated, 7 bytes are no safetensors file; the download may be incomplete"],
    "a pointer that git left": [
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid"),
      "a pointer of Git LFS, not the file itself; git lfs pull brings it",
    ],
    "a header longer than the file": [safetensors(good, 0, 500n), "truncated, a header of 500 bytes in a file of 62; the download may be incomplete"],
    "a header of 2^60 bytes": [safetensors(good, 8, 2n ** 60n), "header of 1152921504606846976 bytes, more than the limit of 100000000"],
    "a header of 2^64 - 1 bytes": [safetensors(good, 8, 2n ** 64n - 1n), "header of 18446744073709551615 bytes, more than the limit of 100000000"],
    "a header of no bytes": [safetensors("", 8), "the header is no JSON"],
    "a header that is no JSON": [safetensors("{x", 8), "the header is no JSON"],
    "a header that is no text": [safetensors("{}", 8, 9n), "the header is no JSON"],
    "a header that nests without end": [safetensors("[".repeat(1_000_000), 8), "the header is no JSON"],
    "a header that is a list": [safetensors([], 8), "the header is no JSON object"],
    "metadata that is no text": [safetensors({ __metadata__: { a: 1 } }, 8), "__metadata__ holds something other than strings"],
    "a tensor that is null": [safetensors({ x: null }, 8), 'tensor "x" has no description'],
    "an unknown dtype": [safetensors({ x: tensor("F4", [2], 0, 8) }, 8), 'tensor "x" has the unknown dtype "F4"'],
    "a dtype from the prototype": [safetensors({ x: tensor("toString", [2], 0, 8) }, 8), 'tensor "x" has the unknown dtype "toString"'],
    "a negative dimension": [safetensors({ x: tensor("F32", [-2], 0, 8) }, 8), 'tensor "x" has no valid shape'],
    "a fractional dimension": [safetensors({ x: tensor("F32", [0.5], 0, 2) }, 8), 'tensor "x" has no valid shape'],
    "a dimension of 2^31": [safetensors({ x: tensor("F32", [0, 2 ** 31], 0, 0) }, 8), 'tensor "x" has no valid shape'],
    "a thousand dimensions": [safetensors({ x: tensor("F32", Array(1000).fill(1), 0, 4) }, 8), 'tensor "x" has no valid shape'],
    "a shape whose size overflows": [
      safetensors({ x: tensor("F32", Array(9).fill(2 ** 30), 0, 8) }, 8),
      'tensor "x" has 8 bytes, but [1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824] of F32 needs 7.588550360256754e+81',
    ],
    "missing offsets": [safetensors({ x: { dtype: "F32", shape: [2] } }, 8), 'tensor "x" has no valid data_offsets'],
    "three offsets": [safetensors({ x: { ...good.x, data_offsets: [0, 4, 8] } }, 8), 'tensor "x" has no valid data_offsets'],
    "negative offsets": [safetensors({ x: tensor("F32", [2], -8, 0) }, 8), 'tensor "x" has no valid data_offsets'],
    "offsets that run backwards": [safetensors({ x: tensor("F32", [2], 8, 0) }, 8), 'tensor "x" lies outside the file (bytes 8 to 0 of 8)'],
    "data outside the file": [
      safetensors({ x: tensor("F32", [2], 4, 12) }, 8),
      'tensor "x" lies outside the file (bytes 4 to 12 of 8); the download may be incomplete',
    ],
    "data cut off": [safetensors(good, 7), 'tensor "x" lies outside the file (bytes 0 to 8 of 7); the download may be incomplete'],
    "fewer bytes than the shape needs": [safetensors({ x: tensor("F32", [3], 0, 8) }, 8), 'tensor "x" has 8 bytes, but [3] of F32 needs 12'],
    "tensors that overlap": [safetensors({ x: good.x, y: tensor("F32", [2], 4, 12) }, 12), 'tensor "y" overlaps "x"'],
    "tensors that share their bytes": [safetensors({ x: good.x, y: good.x }, 8), 'tensor "y" overlaps "x"'],
    "a name with line breaks": [safetensors({ "a\nb": null }, 8), 'tensor "a\\nb" has no description'],
  };
  for (const [name, [file, message]] of Object.entries(cases))
    test(name, () => expect(fails(file)).toBe(`CheckpointError: model.safetensors: ${message}`));

  test("every way to cut a good file short", () => {
    const file = safetensors(good, 8);
    for (let length = 0; length < file.length; length++) expect(fails(file.subarray(0, length))).toStartWith("CheckpointError: model.safetensors: ");
  });

  test("a folder in place of the file", () => {
    const message = withFolder({ "model.safetensors/": "" }, folder => failure(() => readHeader(join(folder, "model.safetensors"))));
    expect(message).toBe("CheckpointError: model.safetensors: no such file");
  });
});
