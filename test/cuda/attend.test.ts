// The attention kernels against attention as it is defined, on the CPU. The programs themselves check that a row is the same alone and among
// others, in every chunk, split and order of threads, and that numbers which nobody sees reach no result.
import { beforeAll, describe, test } from "bun:test";
import { buildKernels, expectSmallErrors as expectErrors, linux, type Run } from "./kernels.ts";

/** Rounded to 16 bits are weights and results; sums are not. In relation to the largest result. */
const bounds = { bf16: 0.006, f16: 0.0008 };
const expectSmallErrors = (run: Run, cases: readonly string[]) => expectErrors(run, cases, bounds);

const LENGTHS = [0, 14, 15, 16, 62, 63, 64, 129, 256];

let [runOne, runMany]: Run[] = [];

beforeAll(async () => {
  if (linux) [runOne, runMany] = await Promise.all([buildKernels("attend-one"), buildKernels("attend-many")]);
}, 60_000);

describe.skipIf(!linux)("attention of one position per row", () => {
  const run: Run = cases => runOne!(cases);
  const wholes = ["bf16 64 1 0 64", "bf16 64 4 0 128", "f16 80 2 0 64", "bf16 96 8 0 64", "bf16 128 2 0 128", "f16 128 4 0 128", "bf16 256 8 0 128"];

  test("is what it is defined to be for rows of all lengths, one key head or several", async () => {
    const alone = wholes.flatMap(kernel => LENGTHS.map((length, i) => `${kernel} ${1 + (i % 2)} 0 ${i % 2 ? 4 : 1} ${length}`));
    await expectSmallErrors(run, alone);
  });

  test("of rows of different lengths is what each row's is alone", async () => {
    await expectSmallErrors(
      run,
      wholes.flatMap(kernel => [`${kernel} 2 0 1 256 0 63`, `${kernel} 1 0 4 15 129 64 16`]),
    );
  });

  test("sees through a window only what lies in it, wherever keys and values begin", async () => {
    await expectSmallErrors(run, [
      ...["bf16 128 8 70 64", "f16 64 2 100 128"].flatMap(kernel => [`${kernel} 1 0 1 0 30 69 70 99 100 264`, `${kernel} 1 256 2 400 356`]),
      "bf16 128 8 70 64 1 187 2 256 257",
    ]);
  });

  test("serves up to 16 query heads of a key head", async () => {
    await expectSmallErrors(run, [
      "bf16 256 16 0 64 1 0 1 130",
      "bf16 256 16 0 64 2 0 4 200 63",
      "f16 128 12 0 64 1 0 1 77 64",
      "f16 128 12 0 64 2 0 3 257",
    ]);
  });
});

describe.skipIf(!linux)("attention of many positions per row", () => {
  const run: Run = cases => runMany!(cases);
  const sizes = ["1 1", "1 64", "15 16", "16 17", "17 130", "63 63", "64 65", "65 257", "130 130"]; // new positions, all

  test("is what it is defined to be, with and without positions before", async () => {
    const kernels = ["bf16 64 0 128 64 2", "f16 80 0 64 64 1", "bf16 128 0 128 64 2", "f16 128 0 64 64 1", "bf16 256 0 64 32 1"];
    await expectSmallErrors(
      run,
      kernels.flatMap(kernel => sizes.map((size, i) => `${kernel} ${1 + (i % 2)} ${i % 3 ? 2 : 1} 1 ${size}`)),
    );
  }, 60_000);

  test("sees through a window only what lies in it", async () => {
    const kernels = ["f16 64 100 64 64 1", "bf16 96 70 128 64 2", "bf16 128 33 64 64 1", "f16 256 50 64 32 1"];
    await expectSmallErrors(
      run,
      kernels.flatMap(kernel => sizes.map(size => `${kernel} 1 1 1 ${size}`)),
    );
  }, 60_000);

  test("finds each query head's key head", async () => {
    await expectSmallErrors(run, ["f16 128 0 64 64 1 1 8 1 20 64", "bf16 64 0 128 64 2 2 4 2 20 64", "bf16 64 0 128 64 2 1 3 3 20 64"]);
  });
});
