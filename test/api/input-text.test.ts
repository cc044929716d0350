// A custom tool's text, taken out of JSON that is cut anywhere.
import { expect, test } from "bun:test";
import { InputText } from "../../src/api/input-text.ts";

function read(json: string, cuts: readonly number[]): string[] {
  const text = new InputText();
  const pieces = [0, ...cuts].map((start, i) => json.slice(start, cuts[i] ?? json.length));
  return [...pieces.map(piece => text.feed(piece)), text.end()];
}

const texts = ["", "plain", 'quotes " and \\ and \n', "é 😀 \u0001", "*** Begin Patch\n+\tx\n", 'ends with "'];

test.each(texts)("%j is the same however its JSON is cut", written => {
  const plain = JSON.stringify({ input: written });
  const escaped = plain.replace(/[^\x20-\x7e]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  for (const json of [plain, escaped, ` { "input" : ${JSON.stringify(written)} } `]) {
    for (let first = 0; first <= json.length; first++)
      for (const second of [first, Math.min(json.length, first + 1), json.length]) {
        const pieces = read(json, [first, second]);
        expect(pieces.join("")).toBe(written);
        for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
      }
  }
});

test("what is not the expected object comes out as it was written", () => {
  for (const json of ['{"other": 1}', "*** Begin Patch", '["input"]']) expect(read(json, [3]).join("")).toBe(json);
  expect(read('{"input": "unfinished \\u00', [14]).join("")).toBe("unfinished \\u00");
  expect(read('{"input": "a\nb"}', [12]).join("")).toBe("a\nb");
});
