import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { settledLength } from "../../src/tokenizer/utf8.ts";
import { random } from "../parsers/cuts.ts";
import { byteLevel, sentencePiece, tokenizerOf, unigram, wordPiece } from "./fixtures.ts";

const mini = join(import.meta.dir, "../../mini/checkpoint");
const shapes: Readonly<Record<string, () => Tokenizer>> = {
  "byte level": () => tokenizerOf(byteLevel()),
  "byte fallback": () => tokenizerOf(sentencePiece()),
  "unigram with spaces as characters": () => tokenizerOf(unigram()),
  "words and parts": () => tokenizerOf(wordPiece()),
  ...(existsSync(join(mini, "tokenizer.json")) && { "the built-in model": () => openTokenizer(mini) }),
};

const texts = [
  "hello world, the hello worlds.",
  " leading space",
  "  two leading spaces and a tab\tand\nlines\r\n\n\n",
  "Grüße aus Zürich: 日本語, 한국어, العربية, עברית, ไทย",
  "🙂👍🏽👩‍👩‍👧‍👦🏔️ e\u0301 \u200b\ufeff \u0000 \ud83d",
  "def f(x):\n    return {'a': [1, 2.5e-3]}  # ok",
  "<|im_start|>user\nhello<|im_end|>\n<think>\n\n</think>",
  "a".repeat(500),
  "",
];

/** All at once and without any of the stream's means: the bytes of all entries as one text. */
function decodeWhole(tokenizer: Tokenizer, ids: readonly number[], leadingSpaces: number): string {
  const bytes = ids.flatMap(id => [...tokenizer.piece(id).bytes]);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  return text.replace(new RegExp(`^ {0,${leadingSpaces}}`), "");
}

function pieces(tokenizer: Tokenizer, ids: readonly number[], continues = false): string[] {
  const stream = tokenizer.stream({ continues });
  return [...ids.map(id => stream.push(id)), stream.end()];
}

for (const [name, open] of Object.entries(shapes)) {
  describe(name, () => {
    const tokenizer = open();

    test("the pieces of random ids are together the decoding of all", () => {
      const next = random(7);
      for (let round = 0; round < 2500; round++) {
        const ids = Array.from({ length: 1 + Math.floor(next() * 24) }, () => Math.floor(next() * (tokenizer.vocabSize + 2)));
        const whole = decodeWhole(tokenizer, ids, tokenizer.leadingSpaces);
        expect(pieces(tokenizer, ids).join("")).toBe(whole);
        expect(tokenizer.decode(ids, { skipSpecial: false })).toBe(whole);
        expect(pieces(tokenizer, ids, true).join("")).toBe(decodeWhole(tokenizer, ids, 0));
      }
    });

    test("the pieces of real texts are together the decoding of all, and no character comes before it is whole", () => {
      for (const text of texts) {
        const ids = [...tokenizer.encode(text, { specialTokens: false })];
        const whole = decodeWhole(tokenizer, ids, tokenizer.leadingSpaces);
        expect(pieces(tokenizer, ids).join("")).toBe(whole);
        if (!text.includes("\ud83d")) for (const piece of pieces(tokenizer, ids)) expect(piece).not.toContain("\ufffd");
        const bytes: number[] = [];
        const stream = tokenizer.stream({ continues: true });
        let said = "";
        for (const id of ids) {
          bytes.push(...tokenizer.piece(id).bytes);
          said += stream.push(id);
          expect(said).toBe(
            new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes).subarray(0, settledLength(Uint8Array.from(bytes)))),
          );
        }
      }
    });
  });
}

test("what is decoded is what the library decodes, where both can", () => {
  for (const json of [byteLevel(), sentencePiece(), unigram(), wordPiece()]) {
    const tokenizer = tokenizerOf(json);
    const library = new Library(json, {});
    for (const text of texts.filter(text => text !== "" && !text.includes("\ufeff"))) {
      const ids = [...tokenizer.encode(text, { specialTokens: false })];
      if (ids.length === 0) continue;
      expect(tokenizer.decode(ids, { skipSpecial: false })).toBe(library.decode(ids, { clean_up_tokenization_spaces: false }));
    }
  }
});

describe("texts come back", () => {
  test("through bytes exactly", () => {
    const tokenizer = tokenizerOf(byteLevel());
    for (const text of texts) {
      const ids = tokenizer.encode(text, { specialTokens: false });
      expect(tokenizer.decode(ids, { skipSpecial: false })).toBe(text.toWellFormed());
    }
  });

  test("through byte fallback with their first space", () => {
    const tokenizer = tokenizerOf(sentencePiece());
    for (const text of ["hello hello", " hello", "  x", "🙂 é 日 ß"])
      expect(tokenizer.decode(tokenizer.encode(text, { specialTokens: true }), { skipSpecial: true })).toBe(text);
  });
});

describe("the space of a first word", () => {
  const tokenizer = tokenizerOf(sentencePiece());
  const hello = tokenizer.idOf("▁hello")!;

  test("belongs to the vocabulary at the start of a text", () => {
    expect(pieces(tokenizer, [hello, hello])).toEqual(["hello", " hello", ""]);
    expect(pieces(tokenizer, [tokenizer.idOf("▁▁")!, hello])).toEqual([" ", " hello", ""]);
  });

  test("belongs to the text when it goes on from another", () => {
    expect(pieces(tokenizer, [hello, hello], true)).toEqual([" hello", " hello", ""]);
  });

  test("is dropped behind tokens that leave no text", () => {
    const stream = tokenizer.stream({ hidden: id => tokenizer.isSpecial(id) });
    expect([tokenizer.idOf("<s>")!, hello].map(id => stream.push(id))).toEqual(["", "hello"]);
  });
});

test("a character that the model never finished comes out broken, once, at the end", () => {
  const tokenizer = tokenizerOf(byteLevel());
  const ids = [...tokenizer.encode("a🙂", { specialTokens: false })].slice(0, -1);
  expect(pieces(tokenizer, ids)).toEqual(["a", "", "\ufffd"]);
});

test("a token costs the same however long the text is", () => {
  // quadratic work would not end within a test's time
  const tokenizer = tokenizerOf(byteLevel());
  const ids = tokenizer.encode("hello wörld 🙂", { specialTokens: false });
  const stream = tokenizer.stream({});
  for (let round = 0; round < 20_000; round++) for (const id of ids) stream.push(id);
});
