import { describe, expect, test } from "bun:test";
import { Divergence } from "../../src/monitor/divergence.ts";

function open(action: "warn" | "serialize") {
  const lines: string[] = [];
  return { lines, monitor: new Divergence({ intervalMs: 100, threshold: 0.95, action, log: line => void lines.push(line) }) };
}

describe("the monitor", () => {
  test("looks at once, then once per interval", () => {
    const { monitor } = open("warn");
    expect(monitor.due(5)).toBe(true);
    monitor.record([1], [1], 5);
    expect([monitor.due(104), monitor.due(105)]).toEqual([false, true]);
  });

  test("passes, warns and passes again, and says so once each", () => {
    const { monitor, lines } = open("warn");
    expect(monitor.report(0)).toMatchObject({ status: "unknown", samples: 0, agreement: undefined });
    const statuses = [
      [1, 2],
      [1, 3],
      [1, 3],
      [1, 2],
    ].map((alone, i) => {
      monitor.record([1, 2], alone, i * 100);
      return monitor.report(i * 100).status;
    });
    expect(statuses).toEqual(["pass", "warning", "warning", "pass"]);
    expect(lines.length).toBe(2);
    expect(monitor.report(400)).toMatchObject({ samples: 4, agreement: 1, exact: true, serializes: false });
  });

  test("serialises for an interval, then lets requests meet to look again", () => {
    const { monitor } = open("serialize");
    monitor.record([1, 2], [2, 1], 1000);
    expect([monitor.serializes(1000), monitor.serializes(1099), monitor.serializes(1100)]).toEqual([true, true, false]);
    monitor.record([1, 2], [1, 2], 1200);
    expect(monitor.serializes(1201)).toBe(false);
  });

  test("warns while an answer cannot be written again, with the reason", () => {
    const { monitor, lines } = open("serialize");
    monitor.fail("no room", 0);
    expect(monitor.report(1)).toMatchObject({ status: "warning", error: "no room", serializes: true });
    expect(lines).toEqual([expect.stringContaining("no room")]);
    monitor.record([1], [1], 100);
    expect(monitor.report(101)).toMatchObject({ status: "pass", error: undefined });
  });
});
