// The formats whose reasoning is a block between two tags.
import type { ReasoningFormat } from "../types.ts";
import { TaggedBlock, type BlockTags } from "./tagged-block.ts";

interface Tagged extends BlockTags, Pick<ReasoningFormat, "name" | "aliases"> {
  /** What a model that must stop thinking is made to write; the closing tag when absent. */
  readonly ending?: string;
  /** A token that the vocabulary must have. */
  readonly needs?: string;
}

function tagged({ name, aliases, ending, needs, ...tags }: Tagged): ReasoningFormat {
  const { open, close, label = "", dropped = [] } = tags;
  return {
    name,
    aliases,
    markers: [open, close, ...dropped],
    detect: ({ template, hasToken }) =>
      (needs === undefined || hasToken(needs)) && (template.includes(close) || template.includes(open) || (hasToken(open) && hasToken(close))),
    startsOpen: prompt => [open, open + label].some(end => prompt.trimEnd().endsWith(end)),
    open: options => new TaggedBlock(tags, options),
    block: { open, close, ending: ending ?? close },
  };
}

/** Qwen3, DeepSeek-R1, GLM-4.5, Step 3.5, Nemotron and most others. */
export const thinkTags = tagged({
  name: "think",
  aliases: [
    "think_tags",
    "qwen3",
    "deepseek_r1",
    "deepseek_v3",
    "step3p5",
    "step3",
    "nemotron",
    "minimax",
    "kimi_k2",
    "hunyuan",
    "ernie45",
    "poolside_v1",
  ],
  open: "<think>",
  close: "</think>",
  ending: "\n</think>\n\n",
});

/** GLM-4.1V marks its final answer with a box as well. */
export const glmTags = tagged({
  name: "glm4",
  aliases: ["glm45", "glm47"],
  open: "<think>",
  close: "</think>",
  dropped: ["<|begin_of_box|>", "<|end_of_box|>"],
  ending: "</think>\n",
  needs: "<|begin_of_box|>",
});

export const mistralTags = tagged({ name: "mistral", aliases: ["magistral"], open: "[THINK]", close: "[/THINK]" });
export const gemmaTags = tagged({ name: "gemma4", aliases: [], open: "<|channel>", close: "<channel|>", label: "thought" });
export const seedTags = tagged({ name: "seed_oss", aliases: ["seed"], open: "<seed:think>", close: "</seed:think>" });
export const cohereTags = tagged({ name: "cohere", aliases: ["command_a"], open: "<|START_THINKING|>", close: "<|END_THINKING|>" });
export const kimiVlTags = tagged({ name: "kimi_vl", aliases: [], open: "◁think▷", close: "◁/think▷" });
