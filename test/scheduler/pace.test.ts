import { describe, expect, test } from "bun:test";
import { Pace } from "../../src/scheduler/pace.ts";
import { dice } from "../helpers/sequences.ts";

const OPTIONS = { most: 2048, fixed: undefined, stallMs: 100 };

describe("pace", () => {
  test("reads as much as a step takes when nobody is being answered, little at first when somebody is", () => {
    const pace = new Pace(OPTIONS);
    expect(pace.chunk(false)).toBe(512);
    expect(pace.chunk(true)).toBe(64);
  });

  test("a fixed chunk holds while answers are written, whatever is measured", () => {
    const pace = new Pace({ ...OPTIONS, fixed: 300 });
    pace.observe(100, 3, 10_000);
    expect(pace.chunk(true)).toBe(300);
    expect(pace.chunk(false)).toBe(6);
  });

  test("the time that drawing takes is not counted as reading", () => {
    const pace = new Pace(OPTIONS);
    for (let i = 0; i < 50; i++) pace.observe(0, 8, 40);
    pace.observe(100, 8, 40 + 50);
    expect(pace.chunk(true)).toBeWithin(119, 121);
  });

  test.each([0, 5, 30, 60])("settles where reading lengthens a step by at most the bound, with %d ms that every reading step takes", base => {
    const { next } = dice(base + 1);
    const pace = new Pace(OPTIONS);
    let depth = 0;
    const late: number[] = [];
    for (let step = 0; step < 400; step++) {
      const chunk = pace.chunk(true);
      const perId = 0.05 + depth / 500_000; // the deeper a prompt is read, the dearer an id
      const ms = base + chunk * perId * (0.9 + 0.2 * next());
      pace.observe(chunk, 4, ms);
      depth += chunk;
      if (step > 0) late.push(ms);
    }
    expect(Math.max(...late)).toBeLessThan(100);
    expect(late.at(-1)!).toBeGreaterThan(40);
  });

  test("one odd step makes the next ones small, and is forgotten", () => {
    const pace = new Pace(OPTIONS);
    for (let i = 0; i < 20; i++) pace.observe(500, 1, 50);
    const usual = pace.chunk(true);
    pace.observe(500, 1, 5000);
    expect(pace.chunk(true)).toBeLessThan(10);
    for (let i = 0; i < 30; i++) pace.observe(pace.chunk(true), 1, pace.chunk(true) * 0.1);
    expect(pace.chunk(true)).toBeGreaterThan(usual * 0.9);
  });
});
