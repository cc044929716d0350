// Tool calls in tags (Qwen3-Coder, Qwen3.5, Nemotron 3, Step 3.5):
// <tool_call><function=f><parameter=k>v</parameter></function></tool_call>. Values have no types; the tool's schema tells.
import { toolFormat } from "../call-machine.ts";
import { functionTags, functionSyntax } from "../values/function-tags.ts";
import { taggedGrammar } from "./hermes.ts";

export const qwen3Coder = toolFormat({
  name: "qwen3_coder",
  aliases: ["qwen3_xml", "qwen3.5", "step3p5", "step", "nemotron3"],
  markers: ["<tool_call>", "</tool_call>"],
  detect: ({ template }) => template.includes("<tool_call>") && template.includes(functionTags.call.before) && template.includes("<parameter="),
  grammar: taggedGrammar,
  syntax: functionSyntax("<tool_call>", "</tool_call>"),
});
