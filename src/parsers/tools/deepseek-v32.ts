// Tool calls of DeepSeek V3.2 and later, in tags that say which values are texts.
import { toolFormat } from "../call-machine.ts";
import { readMarkup, type Markup } from "../values/markup.ts";

const mark = "｜DSML｜";
const open = `<${mark}function_calls>`;
const close = `</${mark}function_calls>`;

const tags: Markup = {
  call: { before: `<${mark}invoke name="`, after: '">', end: `</${mark}invoke>` },
  value: { before: `<${mark}parameter name="`, after: ">", end: `</${mark}parameter>` },
};

export const deepseekV32 = toolFormat({
  name: "deepseek_v32",
  aliases: ["deepseek_v3.2"],
  markers: [],
  detect: ({ template }) => template.includes(mark),
  grammar: {
    openers: [open, tags.call.before],
    closers: [close],
    *call(context, opener) {
      yield* context.source.skipBlank();
      if (opener === open && !(yield* context.source.accept(tags.call.before))) return "text";
      return yield* readMarkup(context, tags);
    },
  },
  syntax: {
    open: `${open}\n`,
    between: "\n",
    close: `\n${close}`,
    before: name => tags.call.before + name + tags.call.after,
    after: tags.call.end,
  },
});
