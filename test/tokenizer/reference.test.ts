// One small vocabulary of each kind, trained by the library tokenizers: 20,000 lines of mixed scripts, code, emoji and control tokens and lines
// of every kind of character have its ids, and its ids decode to its texts, at once and as a stream. Real ones: test/e2e/vocabularies.test.ts.
import { describe, expect, test } from "bun:test";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import type { Json } from "../../src/util/json.ts";
import { corpus, corpusNames, differences, readGolden, type Recording } from "../helpers/corpora.ts";

const recording = readGolden("recorded.json") as Recording;

describe.each(["byte_level", "byte_fallback", "unigram", "word_piece"])("%s", name => {
  const tokenizer = Tokenizer.from(readGolden(`${name}.json`) as Json, {}, `${name}.json`);

  test.each(corpusNames)("%s: all lines have the reference's ids and texts", corpusName => {
    expect(differences(tokenizer, corpusName, recording[name]![corpusName])).toEqual({ ids: [], texts: [] });
  });

  test("a stream of ids is the same text", () => {
    for (const line of corpus("seed 11")) {
      const ids = tokenizer.encode(line, { specialTokens: true });
      const stream = tokenizer.stream({});
      let text = "";
      for (const id of ids) text += stream.push(id);
      const whole = tokenizer.decode(ids, { skipSpecial: false });
      if (text + stream.end() !== whole) throw new Error(`the stream of ${JSON.stringify(line)} is another text: ${text}`);
    }
  });
});
