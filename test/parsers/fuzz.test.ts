import { expect, test } from "bun:test";
import { reasoningFormats, toolFormats } from "../../src/parsers/registry.ts";
import { cuts, play, random } from "./cuts.ts";

const fragments = [
  ...'{}[]":,\\ \n<>/ax1',
  '{"name": "f", "arguments": {',
  '{"name":"f","arguments":{"a":"b"}}',
  '"arguments": ',
  '"name": "g"',
  "null",
  "é🙂",
  ...[...toolFormats, ...reasoningFormats].flatMap(format => [...format.markers, ...format.markers]),
];

function randomText(seed: number): string {
  const next = random(seed);
  return Array.from({ length: 1 + Math.floor(next() * 14) }, () => fragments[Math.floor(next() * fragments.length)]).join("");
}

for (const tools of toolFormats) {
  test(`${tools.name}: whatever a model writes comes out the same for every cut, and none of it is lost`, () => {
    for (let seed = 1; seed <= 600; seed++) {
      const text = randomText(seed);
      const open = () => tools.open({ tokens: new Set(), tools: [] });
      const whole = play([text], open());
      for (const pieces of cuts(text, 3)) expect([seed, play(pieces, open())]).toEqual([seed, whole]);
      if (whole.calls.length === 0) expect(whole.text).toBe(text);
    }
  });

  for (const reasoning of reasoningFormats) {
    test(`${tools.name} and ${reasoning.name}: whatever a model writes comes out the same for every cut`, () => {
      for (let seed = 1; seed <= 400; seed++) {
        const text = randomText(seed);
        const startsOpen = seed % 2 === 0;
        const machines = () => [tools.open({ tokens: new Set(), tools: [] }), reasoning.open({ tokens: new Set(), startsOpen })] as const;
        const whole = play([text], ...machines());
        for (const pieces of cuts(text, 3)) expect([seed, play(pieces, ...machines())]).toEqual([seed, whole]);
      }
    });
  }
}
