import { describe, expect, test } from "bun:test";
import { findReasoningFormat, findToolFormat, reasoningFormats, toolFormats, UnknownFormatError } from "../../src/parsers/registry.ts";
import { Splitter, type Part } from "../../src/parsers/splitter.ts";
import { cuts } from "./cuts.ts";
import { families } from "./templates.ts";

const hints = (template: string, tokens: readonly string[] = []) => ({ template, hasToken: (content: string) => tokens.includes(content) });

describe("the registry", () => {
  test("finds a format by name and alias", () => {
    expect(findToolFormat("hermes", hints(""))?.name).toBe("hermes");
    expect(findToolFormat("qwen3", hints(""))?.name).toBe("hermes");
    expect(findReasoningFormat("deepseek_r1", hints(""))?.name).toBe("think");
  });

  test("knows every name that users bring from vllm-mlx", () => {
    const tools = `auto generic mistral qwen qwen3 hermes nous qwen3_coder llama llama3 llama4 deepseek deepseek_v3 deepseek_r1 kimi kimi_k2 moonshot
      liquidai liquid lfm granite granite3 nemotron nemotron3 xlam functionary meetkai glm47 glm4 harmony gpt-oss gemma4 minimax minimax_m2 qwen3_xml
      qwen3.5 step3p5 step poolside_v1`;
    for (const name of tools.split(/\s+/)) findToolFormat(name, hints(""));
    for (const name of "qwen3 deepseek_r1 gpt_oss harmony gemma4 glm4 mistral poolside_v1 step3p5".split(" "))
      expect(findReasoningFormat(name, hints(""))).toBeDefined();
  });

  test("detects a format from the template and the vocabulary", () => {
    expect(findToolFormat("auto", hints('...<tool_call>\n{"name": ...}'))?.name).toBe("hermes");
    expect(findToolFormat("auto", hints('...<tool_call>\n<function=...> "name"'))).toBeUndefined();
    expect(findToolFormat("auto", hints(""))).toBeUndefined();
    expect(findReasoningFormat("auto", hints("{{ '</think>' }}"))?.name).toBe("think");
    expect(findReasoningFormat("auto", hints("", ["<think>", "</think>"]))?.name).toBe("think");
    expect(findReasoningFormat("auto", hints(""))).toBeUndefined();
  });

  test("gives every family that it knows its formats", () => {
    for (const [family, { template, tokens, tools, reasoning }] of Object.entries(families)) {
      const found = [findToolFormat("auto", hints(template, tokens))?.name, findReasoningFormat("auto", hints(template, tokens))?.name];
      expect([family, ...found]).toEqual([family, tools, reasoning]);
    }
  });

  test("knows none, and refuses what it does not know", () => {
    expect(findToolFormat("none", hints("<tool_call>"))).toBeUndefined();
    expect(() => findToolFormat("hermse", hints(""))).toThrow(UnknownFormatError);
    expect(() => findReasoningFormat("?", hints(""))).toThrow(/auto, none, .*think/);
  });

  test("gives every name to one format only", () => {
    for (const formats of [toolFormats, reasoningFormats]) {
      const names = formats.flatMap(({ name, aliases }) => [name, ...aliases]);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe("the splitter", () => {
  const split = (pieces: readonly string[], markers: readonly string[]) => {
    const splitter = new Splitter();
    const parts: string[] = [];
    const drain = () => {
      for (let part: Part | undefined; (part = splitter.next(markers));) {
        const last = parts.at(-1);
        if (part.type === "marker") parts.push(`[${part.text}]`);
        else if (last !== undefined && !last.startsWith("[")) parts[parts.length - 1] = last + part.text;
        else parts.push(part.text);
      }
    };
    for (const text of pieces) {
      splitter.push({ text, token: false });
      drain();
    }
    splitter.close(true);
    drain();
    return parts;
  };

  test("finds the first and longest marker for every cut", () => {
    const markers = ["<a>", "<a>b", "ab", "<a><a>x", "aab"];
    for (const text of ["x<a>y", "<a>b<a>", "<a><a>y", "<a><a>x", "aaab", "<a", "<<a>>", "a<a>baba", "<a><a><a>x", ""]) {
      const whole = split([text], markers);
      for (const pieces of cuts(text)) expect(split(pieces, markers)).toEqual(whole);
    }
    expect(split(["<a><a>y"], markers)).toEqual(["[<a>]", "[<a>]", "y"]);
    expect(split(["aaab"], markers)).toEqual(["a", "[aab]"]);
  });
});
