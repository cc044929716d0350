// No file over 500 lines, no function over 60. What must be longer stands here with its reason.
// Functions are found by indentation, which the formatter guarantees: one ends at the first line that closes at the column where it began.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, sourceFiles } from "./helpers/imports.ts";

const FILE_LIMIT = 500;
const FUNCTION_LIMIT = 60;

/** "file" or "file function" -> why it may be longer. */
const exceptions: Record<string, string> = {};

const sources = [...sourceFiles("src", "test", "bench"), ...[...new Bun.Glob("shim/*.{c,h}").scanSync(root)].sort()];

interface Span {
  readonly name: string;
  readonly lines: number;
}

const control = /^\s*(?:\} )?(?:if|else|for|while|switch|catch|do|try|return|await)\b/;
const opening = /(?:\bfunction\b.*|=>|\)(?:: [^=]*)?) \{$/;

function functionSpans(text: string): Span[] {
  const lines = text.split("\n");
  const indent = (line: string) => line.length - line.trimStart().length;
  return lines.flatMap((line, at) => {
    if (!opening.test(line)) return [];
    const column = indent(line);
    let begin = at;
    if (/^\s*\)/.test(line))
      do begin--;
      while (begin > 0 && (indent(lines[begin]!) > column || lines[begin]!.trim() === ""));
    const head = lines[begin]!;
    if (control.test(head) || /\bdescribe\b/.test(head)) return [];
    const end = lines.findIndex((other, index) => index > at && indent(other) === column && /^\s*[})\]]/.test(other));
    return end < 0 ? [] : [{ name: head.trim().slice(0, 60), lines: end - begin + 1 }];
  });
}

test("functions are measured from their first line to the brace that closes them", () => {
  const text = [
    "function a() {",
    "  if (x) {",
    "    y();",
    "  }",
    "}",
    "const b = (",
    "  c: number,",
    "): void => {",
    "  d();",
    "};",
    "class E {",
    "  f(g: string) {",
    "  }",
    "}",
  ];
  expect(functionSpans(text.join("\n")).map(({ lines }) => lines)).toEqual([5, 5, 2]);
});

test(`no file is longer than ${FILE_LIMIT} lines`, () => {
  const long = sources
    .map(file => ({ file, lines: readFileSync(join(root, file), "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > FILE_LIMIT);
  expect(long.filter(({ file }) => exceptions[file] === undefined)).toEqual([]);
});

test(`no function is longer than ${FUNCTION_LIMIT} lines`, () => {
  const long = sources.flatMap(file =>
    functionSpans(readFileSync(join(root, file), "utf8"))
      .filter(({ lines }) => lines > FUNCTION_LIMIT)
      .map(span => ({ file, ...span })),
  );
  expect(
    long.filter(({ file, name }) => !Object.keys(exceptions).some(key => key.startsWith(`${file} `) && name.includes(key.slice(file.length + 1)))),
  ).toEqual([]);
});
