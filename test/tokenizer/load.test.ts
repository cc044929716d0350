import { describe, expect, test } from "bun:test";
import { TokenizerError } from "../../src/tokenizer/error.ts";
import { openTextModel, openTokenizer } from "../../src/tokenizer/load.ts";
import { byteLevel, chatFolder, chatTemplate, modelFolder, sentencePiece, tokenizerOf, unigram } from "./fixtures.ts";

const failures: Readonly<Record<string, readonly [Record<string, unknown>, RegExp]>> = {
  "no tokenizer.json": [{}, /tokenizer\.json is missing/],
  "a SentencePiece model alone": [{ "tokenizer.model": "x" }, /tokenizer\.json is missing: tokenizer\.model cannot be read instead; make it with/],
  "ranks alone": [{ "qwen.tiktoken": "x" }, /tokenizer\.json is missing: qwen\.tiktoken cannot be read instead/],
  "a vocabulary without merges": [{ "vocab.json": {} }, /tokenizer\.json is missing: vocab\.json cannot be read instead/],
  "a vocabulary and merges of an unknown class": [
    { "vocab.json": {}, "merges.txt": "x", "tokenizer_config.json": { tokenizer_class: "OtherTokenizerFast" } },
    /tokenizer_config\.json: the tokenizer_class "OtherTokenizer" is not supported without a tokenizer\.json \(GPT2Tokenizer, Qwen2Tokenizer are\)/,
  ],
  "merges that are no pairs": [
    { "vocab.json": {}, "merges.txt": "#version: 0.2\na b\nc", "tokenizer_config.json": { tokenizer_class: "GPT2Tokenizer" } },
    /merges\.txt: line 3 is no pair/,
  ],
  "a vocabulary and merges that want a first token": [
    { "vocab.json": {}, "merges.txt": "", "tokenizer_config.json": { tokenizer_class: "GPT2Tokenizer", add_bos_token: true } },
    /add_bos_token is not supported without a tokenizer\.json/,
  ],
  "a tokenizer.json that is no JSON": [{ "tokenizer.json": "{oops" }, /tokenizer\.json is not JSON/],
  "a tokenizer.json that is a list": [{ "tokenizer.json": "[]" }, /tokenizer\.json holds no JSON object/],
  "a tokenizer.json without a model": [{ "tokenizer.json": "{}" }, /tokenizer\.json describes no tokenizer model/],
  "an unknown kind of model": [{ "tokenizer.json": { ...byteLevel(), model: { type: "Magic" } } }, /tokenizer\.json is not supported: .*Magic/],
  "an unknown decoder": [{ "tokenizer.json": { ...byteLevel(), decoder: { type: "CTC" } } }, /tokenizer\.json: the decoder "CTC" is not supported/],
  "an unknown normalizer": [{ "tokenizer.json": { ...byteLevel(), normalizer: { type: "Nmt" } } }, /tokenizer\.json is not supported: .*Nmt/],
  "an unknown pre-tokenizer": [
    { "tokenizer.json": { ...byteLevel(), pre_tokenizer: { type: "Jieba" } } },
    /tokenizer\.json is not supported: .*Jieba/,
  ],
  "an unknown way to split": [
    { "tokenizer.json": { ...byteLevel(), pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "Halved" } } },
    /tokenizer\.json is not supported: .*"Halved"/,
  ],
  "a split without a pattern": [
    { "tokenizer.json": { ...byteLevel(), pre_tokenizer: { type: "Split", behavior: "Isolated" } } },
    /tokenizer\.json is not supported: a pattern is missing/,
  ],
  "a damaged character map": [
    { "tokenizer.json": { ...byteLevel(), normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } } },
    /tokenizer\.json is not supported: the precompiled character map is damaged/,
  ],
  "a broken tokenizer_config.json": [{ "tokenizer.json": byteLevel(), "tokenizer_config.json": "?" }, /tokenizer_config\.json is not JSON/],
};

describe("a folder that cannot be used fails with one line that names the file", () => {
  for (const [name, [files, message]] of Object.entries(failures)) {
    test(name, () => {
      using folder = modelFolder(files);
      expect(() => openTextModel(folder.path)).toThrow(TokenizerError);
      expect(() => openTextModel(folder.path)).toThrow(message);
      try {
        openTextModel(folder.path);
      } catch (error) {
        expect((error as Error).message).not.toContain("\n");
      }
    });
  }

  test("a folder that is none", () => {
    expect(() => openTextModel("/nonexistent/folder")).toThrow(/tokenizer\.json is missing/);
  });
});

describe("what ends an answer", () => {
  const stops = (files: Record<string, unknown>) => {
    using folder = chatFolder(files);
    const { tokenizer, stopIds } = openTextModel(folder.path);
    return stopIds.map(id => tokenizer.entry(id));
  };
  const id = (entry: string) => tokenizerOf(byteLevel()).idOf(entry);

  test("is the end of the template's turn", () => {
    expect(stops({ "tokenizer_config.json": { chat_template: chatTemplate } })).toEqual(["<|im_end|>"]);
  });

  test("is every token that any file names, each once", () => {
    const files = {
      "config.json": { eos_token_id: id("a") },
      "generation_config.json": { eos_token_id: [id("b"), id("a"), id("<|endoftext|>")] },
      "tokenizer_config.json": { eos_token: { content: "<think>" }, chat_template: chatTemplate },
    };
    expect(stops(files)).toEqual(["a", "b", "<|endoftext|>", "<think>", "<|im_end|>"]);
  });

  test("is what a vision model's language part names", () => {
    expect(stops({ "config.json": { text_config: { eos_token_id: 65 } }, "tokenizer_config.json": {} })).toEqual(["A"]);
  });

  test("is no marker that the template does not use, and no text that is no token", () => {
    expect(stops({ "tokenizer_config.json": { chat_template: "{{ messages }}" } })).toEqual([]);
    expect(stops({ "tokenizer_config.json": { chat_template: "<end_of_turn>" } })).toEqual([]);
  });

  test("is not the end of a message inside an answer that has channels", () => {
    const files = (template: string) => ({
      "tokenizer.json": byteLevel([{ content: "<|end|>" }]),
      "tokenizer_config.json": { chat_template: template },
    });
    expect(stops(files("<|end|>"))).toEqual(["<|end|>"]);
    expect(stops(files("<|channel|>analysis<|end|>"))).toEqual([]);
  });
});

describe("what the model recommends", () => {
  const sampling = (generation: unknown) => {
    using folder = chatFolder({ "generation_config.json": generation });
    return openTextModel(folder.path).sampling;
  };

  test("is read from generation_config.json", () => {
    expect(sampling({ do_sample: true, temperature: 0.6, top_p: 0.95, top_k: 20, min_p: 0.01, repetition_penalty: 1.1 })).toEqual({
      temperature: 0.6,
      topP: 0.95,
      topK: 20,
      minP: 0.01,
      repetitionPenalty: 1.1,
    });
  });

  test("is greedy where it does not sample", () => {
    expect(sampling({ do_sample: false, temperature: 0.6 })).toEqual({ temperature: 0 });
  });

  test("is nothing where the file says nothing of use", () => {
    expect(sampling({ temperature: null, top_p: "1" })).toEqual({});
  });

  test("and the context length are found", () => {
    using folder = chatFolder();
    expect(openTextModel(folder.path).contextLength).toBe(2048);
  });
});

describe("templates are found", () => {
  const templates = (files: Record<string, unknown>) => {
    using folder = modelFolder({ "tokenizer.json": byteLevel(), ...files });
    return openTextModel(folder.path).templates;
  };

  test("nowhere", () => expect(templates({})).toBeUndefined());
  test("in tokenizer_config.json", () => expect(templates({ "tokenizer_config.json": { chat_template: "a" } })).toEqual({ default: "a" }));
  test("as a list of named ones", () => {
    const list = [
      { name: "default", template: "a" },
      { name: "tool_use", template: "b" },
    ];
    expect(templates({ "tokenizer_config.json": { chat_template: list } })).toEqual({ default: "a", tool_use: "b" });
  });
  test("in a file of their own, which goes first", () => {
    expect(templates({ "tokenizer_config.json": { chat_template: "a" }, "chat_template.jinja": "b" })).toEqual({ default: "b" });
  });
  test("in folders", () => {
    const files = { "chat_template.jinja": "a", "additional_chat_templates/rag.jinja": "b", "chat_templates/tool_use.jinja": "c" };
    expect(templates(files)).toEqual({ default: "a", rag: "b", tool_use: "c" });
  });
  test("in a processor's file", () => expect(templates({ "chat_template.json": { chat_template: "a" } })).toEqual({ default: "a" }));
});

describe("the vocabulary", () => {
  test("gives the bytes of every token, and text only for whole characters", () => {
    const tokenizer = tokenizerOf(byteLevel());
    const [half] = tokenizer.encode("🙂", { specialTokens: false });
    expect(tokenizer.piece(half!)).toEqual({ bytes: Uint8Array.of(0xf0, 0x9f), text: undefined });
    expect(tokenizer.visible(half!)).toBe("\\xf0\\x9f");
    expect(tokenizer.visible(tokenizer.idOf("Ġhello")!)).toBe(" hello");
    expect(tokenizer.piece(999_999)).toEqual({ bytes: new Uint8Array(0), text: "" });
  });

  test("knows added and special tokens", () => {
    const tokenizer = tokenizerOf(byteLevel());
    const [think, end] = [tokenizer.addedId("<think>")!, tokenizer.addedId("<|im_end|>")!];
    expect([tokenizer.isSpecial(think), tokenizer.isSpecial(end), tokenizer.isSpecial(65)]).toEqual([false, true, false]);
    expect(tokenizer.addedId("a")).toBeUndefined();
    expect([...tokenizer.encode("a<|im_end|><think>", { specialTokens: false })]).toEqual([97, end, think]);
    expect(tokenizer.decode([97, end, think], { skipSpecial: true })).toBe("a<think>");
  });

  test("begins texts with what the model expects, when asked to", () => {
    const tokenizer = tokenizerOf(sentencePiece());
    const plain = [...tokenizer.encode("hello", { specialTokens: false })];
    expect([...tokenizer.encode("hello", { specialTokens: true })]).toEqual([1, ...plain]);
  });

  test("leaves out the first space where an older file says so", () => {
    const json = unigram();
    const older = { ...json, pre_tokenizer: { type: "Metaspace", replacement: "▁", add_prefix_space: false } };
    expect([...tokenizerOf(older).encode("s", { specialTokens: false })]).toEqual([tokenizerOf(json).idOf("s")!]);
  });

  test("can be opened without the rest", () => {
    using folder = modelFolder({ "tokenizer.json": byteLevel() });
    expect(openTokenizer(folder.path).vocabSize).toBeGreaterThan(256);
  });
});
