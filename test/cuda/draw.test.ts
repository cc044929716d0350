// The kernel that draws ids against the definition, on the CPU. The program draws with several numbers, and checks that a row is the same alone
// and among others and in every order of threads, and that nothing is read behind the logits.
import { beforeAll, describe, expect, test } from "bun:test";
import { buildKernels, linux, type Run } from "./kernels.ts";

let run: Run | undefined;

beforeAll(async () => {
  if (linux) run = await buildKernels("draw");
}, 60_000);

/** A case: vocabulary, logits, temperature, top-p, top-k, min-p. */
async function expectRight(cases: readonly string[]): Promise<void> {
  const answers = await run!(cases);
  expect(cases.map((line, i) => `${line}: ${answers[i]}`)).toEqual(cases.map(line => `${line}: right`));
}

describe.skipIf(!linux)("drawing the next id", () => {
  const limits = (topPs: readonly number[]) => topPs.flatMap(topP => [0, 1, 40].flatMap(topK => [0, 0.05].map(minP => `${topP} ${topK} ${minP}`)));

  test("takes every combination of top-p, top-k and min-p", async () => {
    await expectRight(["random", "tied"].flatMap(logits => limits([1, 0.9, 0.3]).map(options => `1000 ${logits} 1.2 ${options}`)));
  }, 60_000);

  test("takes ids that are masked, and ids that differ little", async () => {
    await expectRight(["masked", "near"].flatMap(logits => limits([0.9]).map(options => `1000 ${logits} 1.2 ${options}`)));
  }, 60_000);

  test("is right for a peak, for equals and for a single id that may be drawn", async () => {
    await expectRight(
      ["peaked", "flat", "one"].flatMap(logits => ["1 0 0", "0.9 0 0", "1 7 0", "1 0 1", "0 3 0.1"].map(options => `1000 ${logits} 1 ${options}`)),
    );
  }, 60_000);

  test("draws nothing that is not a number, and ends where there is nothing else", async () => {
    await expectRight(
      ["none", "broken", "infinite", "holed"].flatMap(logits => ["1 1 0 0", "0 1 0 0", "1 0.9 9 0.01"].map(options => `1000 ${logits} ${options}`)),
    );
  });

  test("takes the likeliest id, the first of equals, at temperature 0", async () => {
    await expectRight(["5 random", "1000 tied", "1000 flat", "4099 masked"].map(logits => `${logits} 0 0.9 40 0.1`));
  });

  test("takes temperatures and limits at the ends of their ranges", async () => {
    await expectRight(
      [
        "0.05 0.95 20 0.02",
        "100 0.5 0 0",
        "2 0.999999 0 0",
        "1e-6 1 0 0",
        "1e-38 0.5 2 0.1",
        "1e-40 0.5 0 0",
        "1 1 100000 0",
        "1 1 0 1e-13",
        "1 0 0 0",
      ].map(options => `1003 random ${options}`),
    );
  });

  test("lets nothing pass that is beyond one limit and short of another", async () => {
    await expectRight(["1 1 0.999999", "0.001 0 0.999999", "1 3 0.9999"].map(options => `1000 near 1 ${options}`));
  });

  test("lets of equals at a limit the first pass, across passes of all threads", async () => {
    await expectRight([
      ...["5 flat 1 0.5 0 0", "5 flat 1 1 3 0", "5 random 1 0.9 0 0", "5 near 0.7 0.9 2 0.1"],
      ...["4099 flat 1 0.37 0 0", "4099 flat 1 1 4097 0", "4099 tied 1.5 0.6 0 0", "4099 tied 1.5 1 37 0", "4099 near 1 1 1000 0"],
    ]);
  }, 60_000);

  test("serves a vocabulary of 151,936 ids, and one that is no multiple of four", async () => {
    await expectRight([
      ...["random 0 1 0 0", "random 1 1 0 0", "random 0.7 0.95 20 0", "random 2 0.95 0 0.001", "flat 1 0.9 0 0"].map(rest => `151936 ${rest}`),
      "151937 tied 1.2 1 5000 0",
    ]);
  }, 60_000);
});
