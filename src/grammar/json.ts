// JSON as a grammar: what every description of JSON is made from. Numbers stay within what a double can hold.
import { jsonChar } from "./json-string.ts";
import { call, choice, chars, empty, oneOf, optional, repeat, rule, sequence, star, text, type Node, type Rule } from "./node.ts";

export const digit = chars([[0x30, 0x39]]);
const sign = text("-");
export const MAX_DIGITS = 15;

/** Blank space between parts: none, one space, or a new line with its indentation. Bounded, so that a model cannot write it for ever. */
const blank = rule("blank", choice([empty, text(" "), sequence(text("\n"), repeat(oneOf(" \t"), 0, 32))]));
const space: Node = call(blank);

export const stringRule = rule("string", sequence(text('"'), star(jsonChar), text('"')));

const whole = choice([text("0"), sequence(chars([[0x31, 0x39]]), repeat(digit, 0, MAX_DIGITS - 1))]);
export const integerRule = rule("integer", choice([whole, sequence(sign, chars([[0x31, 0x39]]), repeat(digit, 0, MAX_DIGITS - 1))]));
const fraction = sequence(text("."), repeat(digit, 1, MAX_DIGITS));
const exponent = sequence(oneOf("eE"), optional(oneOf("+-")), repeat(digit, 1, 2));
export const numberRule = rule("number", sequence(optional(sign), whole, optional(fraction), optional(exponent)));

/** `open`, the items with commas between them, `close`. */
export function listed(open: string, items: Node, close: string): Node {
  return sequence(text(open), space, items, space, text(close));
}

export const comma: Node = sequence(text(","), space);

/** One key with its value. */
export function pair(key: Node, value: Node): Node {
  return sequence(key, text(":"), space, value);
}

/** At least one of an item, with commas between. */
export function some(item: Node): Node {
  return sequence(item, star(sequence(comma, item)));
}

export const valueRule: Rule = rule("value");
const arrayRule = rule("array", listed("[", optional(some(call(valueRule))), "]"));
export const objectRule = rule("object", listed("{", optional(some(pair(call(stringRule), call(valueRule)))), "}"));
valueRule.body = choice([...[objectRule, arrayRule, stringRule, numberRule].map(each => call(each)), ...["true", "false", "null"].map(text)]);
