// Prompts with a gap, in the spelling of each family of models.
import { describe, expect, test } from "bun:test";
import { fillIn } from "../../src/chat/fill-in.ts";
import { byteLevel, chatTokens } from "../tokenizer/fixtures.ts";
import { openTestService } from "./service.ts";

const serviceWith = (tokens: readonly string[]) =>
  openTestService({ files: { "tokenizer.json": byteLevel([...chatTokens, ...tokens.map(content => ({ content, special: true }))]) } }).service;

describe("a gap", () => {
  test.each([
    [["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], "<|fim_prefix|>hello<|fim_suffix|> world<|fim_middle|>"],
    [["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"], "<｜fim▁begin｜>hello<｜fim▁hole｜> world<｜fim▁end｜>"],
    [["[SUFFIX]", "[PREFIX]"], "[SUFFIX] world[PREFIX]hello"],
    [["<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"], "<[fim-suffix]> world<[fim-prefix]>hello<[fim-middle]>"],
  ])("is written with %j", async (tokens, expected) => {
    const service = serviceWith(tokens);
    const { prompt, stopIds } = await fillIn(service, "hello", " world");
    expect(service.tokenizer.decode(prompt, { skipSpecial: false })).toBe(expected);
    for (const token of tokens) expect(stopIds).toContain(service.tokenizer.addedId(token)!);
    const ids = await fillIn(service, [...service.tokenizer.encode("hello", { specialTokens: false })], " world");
    expect(ids.prompt).toEqual(prompt);
  });

  test("is refused by name where the vocabulary has no tokens for it", async () => {
    const refused = fillIn(serviceWith(["<|fim_prefix|>", "<|fim_middle|>"]), "a", "b");
    expect(await refused.catch((error: unknown) => error)).toMatchObject({ status: 400, param: "suffix", code: "unsupported_parameter" });
  });
});
