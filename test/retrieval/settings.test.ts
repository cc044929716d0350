// What a checkpoint's sentence-transformers files say about texts, and what in them is refused by name.
import { expect, test } from "bun:test";
import { readTextSettings } from "../../src/retrieval/settings.ts";
import { failure, withFolder } from "../helpers/checkpoints.ts";

const config = { "config.json": { model_type: "bert" } };

test("a folder without sentence-transformers' files has no prompts and no length of its own", () => {
  const settings = withFolder(config, readTextSettings);
  expect(settings).toEqual({ modelType: "bert", maxLength: undefined, lowerCase: false, prompts: new Map(), defaultPrompt: undefined });
});

test("length, lower case, prompts and the default prompt are read", () => {
  const settings = withFolder(
    {
      ...config,
      "sentence_bert_config.json": { max_seq_length: 256, do_lower_case: true },
      "config_sentence_transformers.json": { prompts: { query: "q: ", document: "" }, default_prompt_name: "document" },
    },
    readTextSettings,
  );
  expect([settings.maxLength, settings.lowerCase, settings.defaultPrompt]).toEqual([256, true, "document"]);
  expect([...settings.prompts]).toEqual([
    ["query", "q: "],
    ["document", ""],
  ]);
});

test.each<[string, Record<string, object | string>, RegExp]>([
  ["there is no config.json", {}, /config\.json is missing/],
  ["prompts is a list", { ...config, "config_sentence_transformers.json": { prompts: ["a"] } }, /config_sentence_transformers\.json: prompts/],
  ["a prompt is a number", { ...config, "config_sentence_transformers.json": { prompts: { query: 5 } } }, /the prompt "query"/],
  [
    "the default prompt is none of them",
    { ...config, "config_sentence_transformers.json": { default_prompt_name: "x" } },
    /default_prompt_name is "x"/,
  ],
  ["a file is no JSON", { ...config, "sentence_bert_config.json": "{" }, /sentence_bert_config\.json is not JSON/],
])("where %s, that is named", (_, files, message) => {
  expect(withFolder(files, folder => failure(() => readTextSettings(folder)))).toMatch(message);
});
