// <function=f><parameter=k>v</parameter></function>, the tags that several formats share.
import { parseJson } from "../json/nested.ts";
import type { WrittenCall } from "../types.ts";
import type { Markup } from "./markup.ts";

export const functionTags: Markup = {
  call: { before: "<function=", after: ">", end: "</function>" },
  value: { before: "<parameter=", after: ">", end: "</parameter>" },
  ownLines: true,
};

export function writeFunctionTags(call: WrittenCall): string {
  const values = namedValues(call).map(([key, text]) => `<parameter=${key}>\n${text}\n</parameter>\n`);
  return `<function=${call.name}>\n${values.join("")}</function>`;
}

/** Each argument's value as bare text: strings without quotes, the rest as JSON. */
export function namedValues({ arguments: given }: WrittenCall): [string, string][] {
  const values = Object.entries(parseJson(given) ?? {});
  return values.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
}
