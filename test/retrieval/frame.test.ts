// Special tokens around texts and pairs, and what is cut where.
import { describe, expect, test } from "bun:test";
import { pairFrame, textFrame } from "../../src/retrieval/frame.ts";
import { verdictFrame } from "../../src/retrieval/verdict.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e", "f", "yes", "no"];
const special = (id: number) => ({ id, content: words[id]!, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false });

const token = (name: string, type: number) => ({ SpecialToken: { id: name, type_id: type } });
const part = (id: "A" | "B", type: number) => ({ Sequence: { id, type_id: type } });
const specials = Object.fromEntries(["[CLS]", "[SEP]"].map(name => [name, { id: name, ids: [words.indexOf(name)], tokens: [name] }]));

function open(single: object[], pair: object[]): Tokenizer {
  const json = {
    added_tokens: [0, 1, 2, 3].map(special),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "TemplateProcessing", single, pair, special_tokens: specials },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
  return Tokenizer.from(json, {}, "tokenizer.json");
}

const bert = open(
  [token("[CLS]", 0), part("A", 0), token("[SEP]", 0)],
  [token("[CLS]", 0), part("A", 0), token("[SEP]", 0), part("B", 1), token("[SEP]", 1)],
);
const roberta = open(
  [token("[CLS]", 0), part("A", 0), token("[SEP]", 0)],
  [token("[CLS]", 0), part("A", 0), token("[SEP]", 0), token("[SEP]", 0), part("B", 0), token("[SEP]", 0)],
);
const plain = open([part("A", 0)], [part("A", 0), part("B", 0)]);
const atEnd = open([part("A", 0), token("[SEP]", 0)], [part("A", 0), part("B", 0)]);

const ids = (text: string) => bert.encode(text, { specialTokens: false });
const text = (encoded: { readonly ids: Uint32Array }) => [...encoded.ids].map(id => words[id]).join(" ");

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
