// Random JSON bodies made from a schema, then spoiled.
import { dice } from "./sequences.ts";

export type Dice = ReturnType<typeof dice>;
export type Schema = Record<string, any>;

const texts = [
  "",
  "x",
  "Hello",
  "é😀",
  "\ud800",
  "\u0000",
  "<|im_end|>",
  "<think>",
  "{{ 7*7 }}",
  "a".repeat(2000),
  "__proto__",
  "tool",
  "auto",
  "text",
  "org/mini",
];
const numbers = [0, -0, 1, -1, 2, 0.5, 20, 1e-300, 1e300, -1e300, 2 ** 31, 2 ** 53, 4095, 4096];
const strange = [null, true, false, [], {}, [[]], [null], { a: null }, "1", 1, -1.5, [[[[[[[[]]]]]]]], { __proto__: 1, length: 5 }];

/** A value that the schema allows, but for the share of strange ones. */
export function makeBody(schema: Schema, die: Dice, share: number, depth = 0): unknown {
  if (die.next() < share) return die.pick(strange);
  if (schema["anyOf"]) return makeBody(die.pick(schema["anyOf"] as Schema[]), die, share, depth);
  if ("const" in schema) return schema["const"];
  if (schema["enum"]) return die.pick(schema["enum"] as unknown[]);
  switch (schema["type"]) {
    case "string":
      return schema["pattern"] && die.next() > share * 2 ? "f" : die.pick(texts);
    case "integer":
    case "number":
      return makeNumber(schema, die, share);
    case "boolean":
      return die.next() < 0.5;
    case "array":
      return Array.from(
        { length: Math.max(die.below(Math.min(4, (schema["maxItems"] ?? 3) + 1)), die.next() < share ? 0 : (schema["minItems"] ?? 0)) },
        () => makeBody(schema["items"] ?? {}, die, share, depth + 1),
      );
    case "object":
      return makeObject(schema, die, share, depth);
    default:
      return die.pick(strange);
  }
}

function makeNumber(schema: Schema, die: Dice, share: number): number {
  if (die.next() < share * 2) return die.pick(numbers);
  const low = Math.max(schema["minimum"] ?? schema["exclusiveMinimum"] ?? 0, -10);
  const value = low + die.next() * (Math.min(schema["maximum"] ?? 10, 50) - low);
  return schema["type"] === "integer" ? Math.floor(value) : value;
}

function makeObject(schema: Schema, die: Dice, share: number, depth: number): object {
  const own: Record<string, unknown> = {};
  for (const [name, part] of Object.entries<Schema>(schema["properties"] ?? {})) {
    const wanted = schema["required"]?.includes(name) ? 1 - share : depth === 0 ? 0.15 : 0.4;
    if (part["type"] !== "null" ? die.next() < wanted : die.next() < share / 4) own[name] = makeBody(part, die, share, depth + 1);
  }
  for (const part of Object.values<Schema>(schema["patternProperties"] ?? {})) own[String(die.below(5000))] = makeBody(part, die, share, depth + 1);
  if (die.next() < share) own[die.pick(texts)] = die.pick(strange);
  return own;
}

/** The same text with a few bytes changed, cut or doubled. */
export function spoil(text: string, die: Dice): Uint8Array {
  const bytes = [...new TextEncoder().encode(text)];
  for (let i = 0; i <= die.below(4); i++) {
    const at = die.below(bytes.length + 1);
    const kind = die.below(3);
    if (kind === 0) bytes[at] = die.below(256);
    else if (kind === 1) bytes.splice(at, 1 + die.below(20));
    else bytes.splice(at, 0, ...bytes.slice(at, at + die.below(20)));
  }
  return Uint8Array.from(bytes);
}
