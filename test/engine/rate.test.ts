// Speeds over the last seconds.
import { expect, test } from "bun:test";
import { Rate } from "../../src/engine/rate.ts";

/** `perStep` in each step of `stepMs`, one after the other. */
function run(rate: Rate, from: number, to: number, stepMs: number, perStep: number): void {
  for (let at = from; at + stepMs <= to; at += stepMs) rate.add(perStep, at, at + stepMs);
}

test("is none before anything was done", () => {
  expect(new Rate().perSecond(1000)).toBe(0);
});

test("is that of the work from its first step on, however long before nothing was done", () => {
  const rate = new Rate();
  run(rate, 60_000, 60_050, 10, 4);
  expect(rate.perSecond(60_050)).toBeCloseTo(400);
  run(rate, 60_050, 80_000, 10, 4);
  expect(rate.perSecond(80_000)).toBeCloseTo(400, 0);
});

test("follows a change of speed within seconds", () => {
  const rate = new Rate();
  run(rate, 0, 10_000, 10, 10);
  run(rate, 10_000, 16_000, 10, 1);
  expect(rate.perSecond(16_000)).toBeCloseTo(100, 0);
});

test("falls while nothing is done, and is none after a while", () => {
  const rate = new Rate();
  run(rate, 0, 1000, 10, 1);
  expect(rate.perSecond(1000)).toBeCloseTo(100);
  expect(rate.perSecond(2000)).toBeCloseTo(50);
  expect(rate.perSecond(6000)).toBe(0);
  expect(rate.perSecond(1e9)).toBe(0);
});

test("tells of one long step what it was, not what fits into a window", () => {
  const rate = new Rate();
  rate.add(1000, 0, 20_000);
  expect(rate.perSecond(20_000)).toBeCloseTo(50);
});

test("steps in which nothing is counted do not keep old ones", () => {
  const rate = new Rate();
  rate.add(5, 0, 10);
  run(rate, 10, 6000, 10, 0);
  expect(rate.perSecond(6000)).toBe(0);
});
