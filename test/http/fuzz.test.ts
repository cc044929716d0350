// Random bodies made from the routes' own schemas, then spoiled: whatever comes, the answer is typed and the server goes on serving.
import { expect, test } from "bun:test";
import { countBodySchema, messagesBodySchema } from "../../src/api/anthropic/fields.ts";
import { chatBodySchema, completionBodySchema } from "../../src/api/openai/fields.ts";
import { detokenizeBodySchema, tokenizeBodySchema } from "../../src/api/openai/tokens.ts";
import { inputBodySchema, responsesBodySchema } from "../../src/api/responses/fields.ts";
import { dice } from "../helpers/sequences.ts";
import { until } from "../helpers/until.ts";
import { chat, completions, hello, open } from "./open.ts";

type Dice = ReturnType<typeof dice>;
type Schema = Record<string, any>;

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
function make(schema: Schema, die: Dice, share: number, depth = 0): unknown {
  if (die.next() < share) return die.pick(strange);
  if (schema["anyOf"]) return make(die.pick(schema["anyOf"] as Schema[]), die, share, depth);
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
        () => make(schema["items"] ?? {}, die, share, depth + 1),
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
    if (part["type"] !== "null" ? die.next() < wanted : die.next() < share / 4) own[name] = make(part, die, share, depth + 1);
  }
  for (const part of Object.values<Schema>(schema["patternProperties"] ?? {})) own[String(die.below(5000))] = make(part, die, share, depth + 1);
  if (die.next() < share) own[die.pick(texts)] = die.pick(strange);
  return own;
}

/** The same text with a few bytes changed, cut or doubled. */
function spoil(text: string, die: Dice): Uint8Array {
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

const lastFrame = /(^|\n)(data: \[DONE\]|event: (message_stop|response\.(completed|incomplete|failed))\n.*)\n\n$/;

test.each([
  [chat, chatBodySchema, 1],
  [completions, completionBodySchema, 2],
  ["/v1/messages", messagesBodySchema, 3],
  ["/v1/messages/count_tokens", countBodySchema, 4],
  ["/v1/responses", responsesBodySchema, 5],
  ["/v1/responses/input_tokens", inputBodySchema, 6],
  ["/v1/tokenize", tokenizeBodySchema, 7],
  ["/v1/detokenize", detokenizeBodySchema, 8],
])("%s answers 600 random bodies with a type, and goes on", async (path, schema, seed) => {
  const die = dice(seed);
  const { post, json, engine, log } = open({ ids: [300, 301, 302, 130, 105] });
  const statuses = new Map([
    [200, 0],
    [400, 0],
  ]);
  for (let round = 0; round < 600; round++) {
    const share = die.pick([0, 0.002, 0.02, 0.1]);
    const made = JSON.stringify(make(schema as Schema, die, share));
    const body = share > 0 && die.next() < 0.2 ? spoil(made, die) : made;
    const response = await post(path, body);
    const answer = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const told = `seed ${seed} round ${round}: ${made.slice(0, 2000)} → ${response.status} ${answer.slice(0, 500)} ${log.join("\n")}`;
    if (response.status >= 500) throw new Error(told);
    if (response.status !== 200 && typeof JSON.parse(answer).error?.message !== "string") throw new Error(told);
    if (response.status === 200 && response.headers.get("content-type")?.startsWith("text/event-stream") && !lastFrame.test(answer))
      throw new Error(told);
    if (round % 50 === 0) await json(chat, hello);
  }
  expect(log).toEqual([]);
  await until(() => engine.running === 0, "what went on in the background ends");
  expect(statuses.get(200)).toBeGreaterThan(20); // the generator reaches the engine, though most ways to ask for a form exclude each other
  expect(statuses.get(400)).toBeGreaterThan(60); // and beyond the rules
});
