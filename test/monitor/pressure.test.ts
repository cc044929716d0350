import { describe, expect, test } from "bun:test";
import { Pressure, type PressureAction } from "../../src/monitor/pressure.ts";

const GB = 1e9;

function open(action: PressureAction = "warn", totalBytes = 100 * GB) {
  const lines: string[] = [];
  return { lines, pressure: new Pressure({ warnPercent: 70, limitPercent: 85, action, totalBytes, log: line => void lines.push(line) }) };
}

describe("memory pressure", () => {
  test("is normal, elevated or critical by the share in use, and tells a change once", () => {
    const { pressure, lines } = open();
    const states = [10, 69.9, 70, 84, 85, 99, 50].map(used => {
      pressure.poll(used * GB);
      return pressure.report.state;
    });
    expect(states).toEqual(["normal", "normal", "elevated", "elevated", "critical", "critical", "normal"]);
    expect(lines.length).toBe(3);
    expect(lines[1]).toContain("85.0 %");
    expect(lines[1]).toContain("critical");
  });

  test("grows or declines by more than 256 MB, and is stable within", () => {
    const { pressure } = open();
    const trends = [10, 10.2, 11, 10.9, 9].map(used => {
      pressure.poll(used * GB);
      return pressure.report.trend;
    });
    expect(trends).toEqual(["unknown", "stable", "growing", "stable", "declining"]);
  });

  test.each([
    ["warn", false, 1],
    ["reduce-context", false, 0.5],
    ["reject-new", true, 1],
  ] as const)("with %s does that when critical, and nothing before", (action, rejects, factor) => {
    const { pressure } = open(action);
    pressure.poll(80 * GB);
    expect([pressure.rejects, pressure.maxTokensFactor]).toEqual([false, 1]);
    pressure.poll(90 * GB);
    expect([pressure.rejects, pressure.maxTokensFactor]).toEqual([rejects, factor]);
  });

  test("is unknown where the device does not say how much it has, and before the first look", () => {
    const { pressure, lines } = open("reject-new", 0);
    expect(pressure.report).toMatchObject({ state: "unknown", percent: undefined });
    pressure.poll(90 * GB);
    expect(pressure.report).toMatchObject({ state: "unknown", percent: undefined });
    expect(pressure.rejects).toBe(false);
    expect(lines).toEqual([]);
  });
});
