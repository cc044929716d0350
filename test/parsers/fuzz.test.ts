import { describe, expect, test } from "bun:test";
import { reasoningFormats, toolFormats } from "../../src/parsers/registry.ts";
import type { ReasoningFormat, ToolFormat } from "../../src/parsers/types.ts";
import { writeCalls, type WrittenCall } from "../../src/parsers/write.ts";
import { corpusTools } from "./corpus.ts";
import { cuts, play, random } from "./cuts.ts";

const scraps = [
  ...'{}[]()":,=\\ \n<>/ax1',
  '{"name": "f", "arguments": {',
  '"name": "ping"',
  "null",
  "é🙂",
  "```",
  "call",
  "<tool_call>",
  "</think>",
];

const samples: readonly WrittenCall[] = [
  { name: "get_weather", arguments: '{"city": "Zürich 🏔️", "days": 3}' },
  { name: "write_file", arguments: '{"path": "a/b.ts", "content": "if (a < b) { return \\"}\\" }\\n"}' },
  { name: "ping", arguments: "{}" },
  { name: "plot", arguments: '{"points": [1, 2.5, -3], "style": {"line": {"width": 2}, "on": true}, "title": null}' },
];

/** Parts of what the format writes, mixed with scraps of what it does not. */
function randomText(seed: number, tools: ToolFormat, reasoning: ReasoningFormat): string {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const part = () => {
    const whole = writeCalls(tools.syntax, [pick(samples), pick(samples)]);
    const at = next() < 0.4 ? 0 : Math.floor(next() * whole.length);
    return whole.slice(at, next() < 0.4 ? undefined : at + Math.floor(next() * 60));
  };
  const own = [...tools.markers, ...reasoning.markers];
  const fragments = Array.from({ length: 1 + Math.floor(next() * 7) }, () => (next() < 0.4 ? part() : next() < 0.4 ? pick(own) : pick(scraps)));
  return fragments.join("");
}

for (const tools of toolFormats) {
  test(`${tools.name}: whatever a model writes comes out the same for every cut, and none of it is lost`, () => {
    for (let seed = 1; seed <= 25; seed++) {
      const reasoning = reasoningFormats[seed % reasoningFormats.length]!;
      const text = randomText(seed, tools, reasoning);
      const open = () => tools.open({ tokens: new Set(), tools: corpusTools });
      const machines = () => [open(), reasoning.open({ tokens: new Set(), startsOpen: seed % 2 === 0 })] as const;
      const [alone, together] = [play([text], open()), play([text], ...machines())];
      for (const pieces of [...cuts(text, 6)].filter((_, i) => i % 3 === 0 || i > text.length)) {
        expect([text, play(pieces, open())]).toEqual([text, alone]);
        expect([text, play(pieces, ...machines())]).toEqual([text, together]);
      }
      if (alone.calls.length === 0 && tools.name !== "functionary") expect(alone.text).toBe(text);
    }
  });
}

describe("what a format writes, it reads", () => {
  for (const tools of toolFormats) {
    test(tools.name, () => {
      const next = random(7);
      for (let round = 0; round < 20; round++) {
        const calls = samples.filter(() => next() < 0.6);
        const { calls: found, text } = play([`So: ${writeCalls(tools.syntax, calls)}`], tools.open({ tokens: new Set(), tools: corpusTools }));
        const bare = found.length === 0 && calls.length > 0; // its calls stand at the start of an answer only
        const again = bare ? play([writeCalls(tools.syntax, calls)], tools.open({ tokens: new Set(), tools: corpusTools })).calls : found;
        if (!bare && calls.length > 0) expect(text.trim()).toBe("So:");
        expect(again.map(({ name, arguments: given }) => [name, JSON.parse(given)])).toEqual(
          calls.map(call => [call.name, JSON.parse(call.arguments)]),
        );
      }
    });
  }
});
