import { describe, expect, test } from "bun:test";
import { cacheLimits, resolveStrategy } from "../../src/cache/strategy.ts";
import { readServeConfig } from "../../src/config.ts";

const read = (...args: string[]) => readServeConfig(args, {}).config;
const limits = (...args: string[]) => cacheLimits(read(...args), 10_000_000_000);

test.each([
  [[], "memory-aware"],
  [["--no-memory-aware-cache"], "legacy"],
  [["--use-paged-cache"], "paged"],
  [["--use-paged-cache", "--no-memory-aware-cache"], "paged"],
  [["--disable-prefix-cache"], "disabled"],
  [["--disable-prefix-cache", "--use-paged-cache"], "disabled"],
  [["--cache-strategy", "memory-aware", "--use-paged-cache"], "memory-aware"],
  [["--cache-strategy", "legacy"], "legacy"],
  [["--cache-strategy", "paged", "--no-memory-aware-cache"], "paged"],
] as const)("%j is %p", (args, strategy) => expect(resolveStrategy(read(...args))).toBe(strategy));

describe("limits", () => {
  test("bytes are a share of what is free, never less than 100 MB, or what is said", () => {
    expect(limits()).toEqual({ strategy: "memory-aware", blockSize: 64, maxBytes: 2_000_000_000 });
    expect(limits("--cache-memory-percent", "0.5")?.maxBytes).toBe(5_000_000_000);
    expect(cacheLimits(read(), 1000)?.maxBytes).toBe(100_000_000);
    expect(limits("--cache-memory-mb", "7", "--cache-memory-percent", "0.5")?.maxBytes).toBe(7_000_000);
  });

  test("blocks limit where the strategy is paged or a number is given, stored sequences likewise", () => {
    expect(limits("--use-paged-cache", "--paged-cache-block-size", "16")).toMatchObject({ blockSize: 16, maxBlocks: 1000 });
    expect(limits("--max-cache-blocks", "5")).toMatchObject({ strategy: "memory-aware", maxBlocks: 5 });
    expect(limits("--cache-strategy", "legacy")).toMatchObject({ maxChains: 100 });
    expect(limits("--no-memory-aware-cache", "--prefix-cache-size", "3")).toMatchObject({ maxChains: 3 });
    expect(limits("--cache-strategy", "legacy")?.maxBlocks).toBeUndefined();
  });

  test("a folder makes a disk tier, of 10 GB unless said otherwise", () => {
    expect(limits("--ssd-cache-dir", "/tmp/x")).toMatchObject({ disk: { directory: "/tmp/x", maxBytes: 10_000_000_000 } });
    expect(limits("--ssd-cache-dir", "/tmp/x", "--ssd-cache-max-gb", "0.5")).toMatchObject({ disk: { maxBytes: 500_000_000 } });
    expect(() => read("--ssd-cache-dir", "/tmp/x", "--disable-prefix-cache")).toThrow("--ssd-cache-dir stores prefixes");
  });

  test("nothing is stored when that is said", () => expect(limits("--disable-prefix-cache")).toBeUndefined());
});

test("a named strategy contradicts --disable-prefix-cache", () => {
  expect(() => read("--cache-strategy", "paged", "--disable-prefix-cache")).toThrow("--cache-strategy paged stores prefixes");
});
