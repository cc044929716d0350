// Products with packed matrices and the placing of heads against their definitions, on the CPU. The programs themselves check that a row is the
// same alone and among others and in every order of threads, and that nothing is written where it should not be.
import { beforeAll, describe, expect, test } from "bun:test";
import { buildKernels, expectSmallErrors, linux, type Run } from "./kernels.ts";

let [runProduct, runPlace]: Run[] = [];

beforeAll(async () => {
  if (linux) [runProduct, runPlace] = await Promise.all([buildKernels("qmm"), buildKernels("place")]);
}, 60_000);

describe.skipIf(!linux)("products with a packed matrix", () => {
  const run: Run = cases => runProduct!(cases);
  const rounding = { bf16: 2 ** -8, f16: 2 ** -11 }; // of the result, and nothing else
  const kernels = ["bf16", "f16"].flatMap(type => [4, 8].flatMap(bits => [32, 64, 128].map(group => `${type} ${bits} ${group}`)));

  test("are what they are defined to be for outputs that fill no block, where two warps share an output", async () => {
    await expectSmallErrors(
      run,
      kernels.map(kernel => `${kernel} 2 131 5 1 7 9`),
      rounding,
    );
  }, 60_000);

  test("are what they are defined to be for rows that fill no block, where eight warps share an output", async () => {
    await expectSmallErrors(
      run,
      kernels.map(kernel => `${kernel} 8 24 ${kernel.includes(" 8 128") ? 9 : 17} 1 8 33`),
      rounding,
    );
  }, 60_000);

  test("need no work of every warp", async () => {
    await expectSmallErrors(
      run,
      kernels.map(kernel => `${kernel} 8 16 1 1 9`),
      rounding,
    );
  });
});

describe.skipIf(!linux)("the placing of heads", () => {
  const run: Run = cases => runPlace!(cases);
  const rounding = { bf16: 0.006, f16: 0.0008 }; // after norm, gain and turn
  const sizes = ["1 0", "1 700 3 0 41", "4 9 0 130"]; // length, then offsets
  const expectPlaced = (kernels: readonly string[]) =>
    expectSmallErrors(
      run,
      kernels.flatMap(kernel => sizes.map(size => `${kernel} ${size}`)),
      rounding,
    );

  test("turns whole heads, with and without a norm", async () => {
    await expectPlaced(["bf16 128 4 2 1 128 0", "bf16 64 3 1 0 64 0"]);
  });

  test("turns a part of each head", async () => {
    await expectPlaced(["f16 80 2 2 0 32 0", "f16 96 4 1 1 24 0", "bf16 256 2 1 1 64 0"]);
  });

  test("turns neighbours", async () => {
    await expectPlaced(["bf16 64 2 1 1 64 1", "f16 128 2 2 0 40 1"]);
  });

  test("turns nothing where positions have no part", async () => {
    await expectPlaced(["f16 64 5 1 1 0 0"]);
    expect(await run(sizes.map(size => `bf16 80 2 1 0 0 0 ${size}`))).toEqual(sizes.map(() => "0.000000"));
  });
});
