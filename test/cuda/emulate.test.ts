// The emulator that runs CUDA kernels on the CPU: what it computes, and what it finds wrong with a kernel.
import { beforeAll, describe, expect, test } from "bun:test";
import { buildKernels, linux } from "./kernels.ts";

let build: Awaited<ReturnType<typeof buildKernels>> | undefined;

beforeAll(async () => {
  if (linux) build = await buildKernels("emulate");
}, 60_000);

describe.skipIf(!linux)("the emulator", () => {
  const run = async (kernel: string): Promise<string | undefined> => (await build!([kernel]))[0]?.trim();

  test("runs the threads of a block between barriers", async () => {
    expect(await run("barrier")).toBe("right");
  });

  test("shows that a barrier is missing", async () => {
    expect(await run("no barrier")).toBe("wrong");
  });

  test("ends a kernel whose threads wait for each other for ever", async () => {
    await expect(run("half a barrier")).rejects.toThrow("threads wait for each other for ever");
  });

  test("lets copies arrive when they are waited for, and not before", async () => {
    expect(await run("copies")).toBe("1 2 3 4 0 0 0 0");
    expect(await run("copies too early")).toBe("1 2 3 4 - - - -");
  });

  test("multiplies matrices as they are loaded", async () => {
    expect(Number(await run("product bf16"))).toBe(0);
    expect(Number(await run("product f16"))).toBe(0);
  });

  test("shuffles within warps", async () => {
    expect(await run("shuffles")).toBe(String(2 * (63 * 32)));
  });

  test("rounds to 16 bits and back", async () => {
    expect(await run("rounding bf16")).toBe("0");
    expect(await run("rounding f16")).toBe("0");
  });
});
