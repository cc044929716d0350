import { describe, expect, test } from "bun:test";
import { explain, Ledger, size, type LedgerOptions } from "../../src/cache/ledger.ts";

const OPTIONS: LedgerOptions = {
  limit: 1000,
  maxBuffers: Infinity,
  weights: 100,
  rows: (reading, drawing) => [...reading, ...drawing].reduce((sum, length) => sum + length, 0),
  chunk: 50,
  workPerId: 2,
  workPerStep: 10,
};

describe("ledger", () => {
  test("adds up weights, rows and the work of a step", () => {
    const ledger = new Ledger(OPTIONS);
    expect(ledger.sum([], [])).toEqual({ weights: 100, kv: 0, work: 10, total: 110 });
    expect(ledger.sum([20], [30])).toEqual({ weights: 100, kv: 50, work: 50, total: 200 });
    expect(ledger.sum([200], [])).toEqual({ weights: 100, kv: 200, work: 110, total: 410 }); // a step reads 50 of the 200
  });

  test("knows the longest sequence that can run alone", () => {
    const ledger = new Ledger(OPTIONS);
    expect(ledger.longest(100)).toBe(100);
    expect(ledger.longest(5000)).toBe(1000 - 100 - 10 - 100);
    expect(ledger.fits([790], [])).toBe(true);
    expect(ledger.fits([791], [])).toBe(false);
    expect(new Ledger({ ...OPTIONS, weights: 995 }).longest(100)).toBe(0);
  });

  test("says how much caches must give up", () => {
    const ledger = new Ledger(OPTIONS);
    expect(ledger.excess([], [400], { slack: 0, prefixes: 300, allocator: 100 })).toBe(0);
    expect(ledger.excess([], [400], { slack: 50, prefixes: 400, allocator: 100 })).toBe(60);
  });

  test("takes the work of reading from what was measured, and forgets an odd step in time", () => {
    const ledger = new Ledger(OPTIONS);
    ledger.observe(50, 260);
    expect(ledger.sum([50], []).work).toBe(10 + 50 * 5);
    ledger.observe(50, 60);
    expect(ledger.sum([50], []).work).toBeCloseTo(10 + 50 * 5 * 0.98);
    for (let i = 0; i < 400; i++) ledger.observe(25, 35);
    expect(ledger.sum([50], []).work).toBeCloseTo(10 + 50, 0);
  });

  test("does not multiply what a step of few ids took besides", () => {
    const ledger = new Ledger(OPTIONS);
    ledger.observe(1, 500);
    ledger.observe(24, 500);
    expect(ledger.sum([50], []).work).toBe(10 + 50 * 2);
  });

  test("calls a prompt no dearer than it was before anything was measured", () => {
    const ledger = new Ledger(OPTIONS);
    expect(ledger.least(200).total).toBe(100 + 200 + 10 + 50 * 2);
    ledger.observe(50, 5000);
    expect(ledger.fits([200], [])).toBe(false);
    expect(ledger.least(200).total).toBe(100 + 200 + 10 + 50 * 2);
    for (let i = 0; i < 400; i++) ledger.observe(50, 60);
    expect(ledger.least(200).total).toBeCloseTo(100 + 200 + 10 + 50, 0);
  });

  test("explains a sum in words", () => {
    expect(explain({ weights: 4.25e9, kv: 20_000_000, work: 999, total: 5e9 })).toBe("5.0 GB (weights 4.3 GB, keys and values 20.0 MB, work 1 kB)");
    expect(size(0)).toBe("0 kB");
  });
});
