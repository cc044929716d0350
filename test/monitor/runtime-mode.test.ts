import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decideMode, readPeak, writePeak, type ModeWishes } from "../../src/monitor/runtime-mode.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const WISHES: ModeWishes = { requested: "auto", continuousBatching: false, threshold: 2, observed: undefined, deterministic: false };

describe("the runtime mode", () => {
  const cases: [name: string, wishes: Partial<ModeWishes>, mode: string, widenAt: number | undefined][] = [
    ["auto without a record", {}, "simple", 2],
    ["auto after a run with one request at a time", { observed: 1 }, "simple", 2],
    ["auto after a run with two", { observed: 2 }, "batched", undefined],
    ["auto with --continuous-batching", { continuousBatching: true }, "batched", undefined],
    ["simple, whatever was seen", { requested: "simple", continuousBatching: true, observed: 9 }, "simple", undefined],
    ["batched", { requested: "batched" }, "batched", undefined],
    ["deterministic, where a GPU's engine is careful by itself", { deterministic: true }, "batched", undefined],
    ["deterministic and simple", { requested: "simple", observed: 9, deterministic: true }, "simple", undefined],
  ];
  test.each(cases)("%s", (_, wishes, mode, widenAt) => {
    expect(decideMode({ ...WISHES, ...wishes })).toMatchObject({ mode, widenAt });
  });
});

describe("the record of concurrency", () => {
  test("keeps the last run and the highest of all, and survives nonsense", () => {
    const folder = temporaryFolder("profile");
    const file = join(folder, "new/runtime_profile.json");
    expect(readPeak(file)).toBeUndefined();
    writePeak(file, 0, 0);
    expect(readPeak(file)).toBeUndefined();
    writePeak(file, 7, 5_000_500);
    writePeak(file, 3, 6_000_000);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      last_run_peak_concurrency: 3,
      observed_peak_concurrency: 7,
      updated_at_epoch: 6000,
    });
    for (const broken of [
      "",
      "[]",
      "null",
      '{"observed_peak_concurrency":"9"}',
      '{"observed_peak_concurrency":-1}',
      '{"observed_peak_concurrency":1.5}',
    ]) {
      writeFileSync(file, broken);
      expect(readPeak(file)).toBeUndefined();
    }
    writePeak(file, 2, 0);
    expect(readPeak(file)).toBe(2);
  });
});
