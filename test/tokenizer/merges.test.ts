// Folders with vocab.json and merges.txt in place of tokenizer.json: the ids of the classes in transformers 5.24.0 on the lines of
// reference.test.ts.
import { expect, test } from "bun:test";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import { corpusNames, differences, readGolden, type Recording } from "../helpers/corpora.ts";
import { modelFolder } from "./fixtures.ts";

interface Model {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly string[])[];
}

const recording = readGolden("recorded-classes.json") as Recording;
const { model } = readGolden("byte_level.json") as { readonly model: Model };
const merges = ["#version: 0.2", ...model.merges.map(pair => pair.join(" "))].join("\n");

function openClass(name: string) {
  const config = { tokenizer_class: name, unk_token: "<unk>", bos_token: "<s>", eos_token: "</s>", pad_token: "<unk>" };
  using folder = modelFolder({ "vocab.json": model.vocab, "merges.txt": merges, "tokenizer_config.json": config });
  return openTokenizer(folder.path);
}

test.each(["GPT2Tokenizer", "Qwen2Tokenizer"])("%s: all lines have the reference's ids", name => {
  const tokenizer = openClass(name);
  for (const corpus of corpusNames) expect([corpus, differences(tokenizer, corpus, recording[name]![corpus]).ids]).toEqual([corpus, []]);
});

test("tokens that the configuration lists or names are found in a text, and only those", () => {
  const tokenizer = openClass("GPT2Tokenizer");
  expect([...tokenizer.encode("</s>", { specialTokens: false })]).toEqual([tokenizer.idOf("</s>")!]);
  expect(["<s>", "</s>", "<unk>"].map(token => tokenizer.isSpecial(tokenizer.addedId(token)!))).toEqual([true, true, true]);
  expect(tokenizer.addedId("<|im_start|>")).toBeUndefined();
});
