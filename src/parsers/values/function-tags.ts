// <function=f><parameter=k>v</parameter></function>, the tags that several formats share.
import type { CallSyntax } from "../syntax.ts";
import type { Markup } from "./markup.ts";

export const functionTags: Markup = {
  call: { before: "<function=", after: ">", end: "</function>" },
  value: { before: "<parameter=", after: ">", end: "</parameter>" },
  ownLines: true,
};

export function functionSyntax(open: string, close: string): CallSyntax {
  return {
    between: "\n",
    before: name => `${open}\n<function=${name}>\n`,
    after: `</function>\n${close}`,
    parameters: { before: name => `<parameter=${name}>\n`, after: "\n</parameter>\n" },
  };
}
