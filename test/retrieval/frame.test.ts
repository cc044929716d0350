// Special tokens around texts and pairs, and what is cut where.
import { describe, expect, test } from "bun:test";
import { pairFrame, textFrame } from "../../src/retrieval/frame.ts";
import { verdictFrame } from "../../src/retrieval/verdict.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { bert as around, text as part, token, wordPiece, type Part } from "../helpers/word-piece.ts";

const words = ["a", "b", "c", "d", "e", "f", "yes", "no"];

function open(single: readonly Part[], pair: readonly Part[]): Tokenizer {
  return Tokenizer.from(wordPiece(words, { single, pair }), {}, "tokenizer.json");
}

const [first, second] = [part("A", 0), part("B", 0)];
const bert = open(around.single, around.pair);
const roberta = open(around.single, [...around.single, token("[SEP]", 0), second, token("[SEP]", 0)]);
const plain = open([first], [first, second]);
const atEnd = open([first, token("[SEP]", 0)], [first, second]);

const ids = (text: string) => bert.encode(text, { specialTokens: false });
const text = (encoded: { readonly ids: Uint32Array }) => [...encoded.ids].map(id => bert.entry(id)).join(" ");

describe("one text", () => {
  test.each([
    ["around it", bert, 2, "[CLS] c d e [SEP]", "[CLS] c d [SEP]"],
    ["behind it", atEnd, 1, "c d e [SEP]", "c d e [SEP]"],
    ["nowhere", plain, 0, "c d e", "c d e"],
  ])("with special tokens %s keeps them and is cut at its end", (_, tokenizer, size, whole, cut) => {
    const frame = textFrame(tokenizer);
    expect(frame.size).toBe(size);
    expect(text(frame.wrap([ids("c d e")], 100))).toBe(whole);
    expect(text(frame.wrap([ids("c d e")], 4))).toBe(cut);
  });

  test("is what the tokenizer itself makes of it", () => {
    expect(textFrame(bert).wrap([ids("e f a b")], 100).ids).toEqual(bert.encode("e f a b", { specialTokens: true }));
  });

  test("loses everything but its special tokens in no room at all", () => expect(text(textFrame(bert).wrap([ids("c")], 1))).toBe("[CLS] [SEP]"));
});

describe("a pair", () => {
  test("has the tokenizer's special tokens and segments", () => {
    const made = pairFrame(bert).wrap([ids("c d"), ids("e f")], 100);
    expect(text(made)).toBe("[CLS] c d [SEP] e f [SEP]");
    expect([...made.segments!]).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect({ ids: made.ids, segments: made.segments! }).toEqual(bert.encodePair("c d", "e f"));
  });

  test("has no segments where the tokenizer knows none", () => {
    const made = pairFrame(roberta).wrap([ids("c"), ids("e f")], 100);
    expect(text(made)).toBe("[CLS] c [SEP] [SEP] e f [SEP]");
    expect(made.segments).toBeUndefined();
  });

  test.each([
    [10, "c d", "a b c d e f", "[CLS] c d [SEP] a b c d e [SEP]"],
    [7, "a b c d e f", "c d", "[CLS] a b [SEP] c d [SEP]"],
    [6, "a b c d e f", "c d e", "[CLS] a b [SEP] c [SEP]"],
    [6, "c d e", "a b c d e f", "[CLS] c [SEP] a b [SEP]"],
    [8, "a b c d", "a b c d", "[CLS] a b [SEP] a b c [SEP]"],
    [3, "a", "b", "[CLS] [SEP] [SEP]"],
  ])("is cut to %p ids at the longer text first", (length, first, second, expected) => {
    expect(text(pairFrame(bert).wrap([ids(first), ids(second)], length))).toBe(expected);
  });
});

test("a question to a decoder keeps its beginning and its end however long the document is", () => {
  const frame = verdictFrame(plain);
  const long = Uint32Array.from({ length: 500 }, () => 4);
  const made = frame.wrap([long], frame.size + 7);
  expect(made.ids.length).toBe(frame.size + 7);
  expect(frame.wrap([long], 3).ids.length).toBe(frame.size);
  expect(frame.joins!("Q", "D")).toMatch(/^<Instruct>: .+\n<Query>: Q\n<Document>: D$/);
});
