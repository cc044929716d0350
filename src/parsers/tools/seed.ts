// Tool calls of Seed-OSS: <seed:tool_call><function=f><parameter=k>v</parameter></function></seed:tool_call>.
import { toolFormat } from "../call-machine.ts";
import { functionTags, functionSyntax } from "../values/function-tags.ts";
import { readMarkup } from "../values/markup.ts";

const open = "<seed:tool_call>";
const close = "</seed:tool_call>";

export const seed = toolFormat({
  name: "seed_oss",
  aliases: ["seed"],
  markers: [open, close],
  detect: ({ template }) => template.includes(open) || template.includes("seed:tool_call"),
  grammar: {
    openers: [open],
    closers: [close],
    *call(context) {
      yield* context.source.skipBlank();
      if (!(yield* context.source.accept(functionTags.call.before))) return "text";
      return yield* readMarkup(context, functionTags);
    },
  },
  syntax: functionSyntax(open, close),
});
