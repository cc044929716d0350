// Whole answers: reasoning first, tool calls in every format's own way of writing them, and strict tools among free text.
import { describe, expect, test } from "bun:test";
import type { AnswerForm } from "../../src/grammar/answer.ts";
import { Matcher } from "../../src/grammar/masks.ts";
import { toolFormats } from "../../src/parsers/registry.ts";
import type { ToolFormat } from "../../src/parsers/types.ts";
import { masksOf, stopId, tokenizer, walk } from "./walk.ts";

const weather = {
  name: "get_weather",
  strict: true,
  parameters: {
    type: "object",
    properties: {
      city: { type: "string", enum: ["Oslo", "Rio de Janeiro"] },
      days: { type: "integer", minimum: 1, maximum: 7 },
      metric: { type: "boolean" },
    },
    required: ["city"],
    additionalProperties: false,
  },
};
const clock = { name: "read_clock", parameters: { type: "object", properties: {} } };

function callsForm({ name, syntax }: ToolFormat, more: Partial<NonNullable<AnswerForm["calls"]>> = {}): AnswerForm {
  return { calls: { format: name, syntax, tools: [weather, clock], required: true, most: 3, ...more } };
}

/** The calls that the format's own parser finds, and the text around them. */
function parse(format: ToolFormat, ids: readonly number[]): { readonly calls: { name: string; arguments: unknown }[]; readonly text: string } {
  const tokens = new Set(format.markers.filter(marker => tokenizer.addedId(marker) !== undefined));
  const parser = format.open({ tokens, tools: [weather, clock] });
  const detokenizer = tokenizer.stream({ continues: false });
  const events = [...ids.flatMap(id => parser.feed({ text: detokenizer.push(id), token: tokens.has(tokenizer.entry(id) ?? "") })), ...parser.end()];
  const calls: { name: string; written: string }[] = [];
  let text = "";
  for (const event of events) {
    if (event.type === "call") calls.push({ name: event.name, written: "" });
    else if (event.type === "arguments") calls.at(-1)!.written += event.text;
    else if (event.type === "text") text += event.text;
  }
  return { calls: calls.map(({ name, written }) => ({ name, arguments: JSON.parse(written) as unknown })), text };
}

function expectCall({ name, arguments: given }: { name: string; arguments: unknown }): void {
  if (name === clock.name) return expect(given).toEqual({});
  expect(name).toBe(weather.name);
  const { city, days, metric, ...rest } = given as Record<string, unknown>;
  expect(rest).toEqual({});
  expect(weather.parameters.properties.city.enum).toContain(city as string);
  if (days !== undefined) expect([1, 2, 3, 4, 5, 6, 7]).toContain(days as number);
  if (metric !== undefined) expect(typeof metric).toBe("boolean");
}

describe.each(toolFormats.map(format => [format.name, format] as const))("required calls as %s", (_, format) => {
  test("are read by the format's parser as calls of the tools, with nothing around them", () => {
    const masks = masksOf(callsForm(format));
    for (let seed = 0; seed < 8; seed++) {
      const { ids, ended } = walk(masks, seed);
      expect(ended).toBe(true);
      const { calls, text } = parse(format, ids);
      expect(text.trim()).toBe("");
      expect(calls.length).toBeGreaterThan(0);
      calls.forEach(expectCall);
    }
  });

  test("a named one is one call of that name", () => {
    const masks = masksOf(callsForm(format, { tools: [weather], most: 1 }));
    for (let seed = 0; seed < 4; seed++) {
      const { calls } = parse(format, walk(masks, seed).ids);
      expect(calls.map(call => call.name)).toEqual([weather.name]);
      calls.forEach(expectCall);
    }
  });
});

describe("where arguments are written one by one", () => {
  const format = toolFormats.find(({ syntax }) => syntax.parameters)!;
  const $defs = { text: { type: "string" }, count: { type: "integer" }, loop: { anyOf: [{ $ref: "#/properties/word" }, { type: "string" }] } };
  const form = (word: unknown) =>
    callsForm(format, { tools: [{ name: "say", parameters: { type: "object", $defs, properties: { word }, required: ["word"] } }] });

  test.each([
    [{ type: "string", not: { enum: ["x"] } }, ["not"]],
    [{ type: "string", allOf: [{ maxLength: 2 }] }, ["allOf"]],
    [{ enum: ["a", "bc"], maxLength: 1 }, ["maxLength"]],
    [{ $ref: "#/$defs/text", maxLength: 1 }, ["maxLength"]],
    [{ $ref: "#/$defs/text", type: "string" }, ["type"]],
    [{ anyOf: [{ type: "string" }, { type: "null" }], maxLength: 1 }, ["maxLength"]],
    [{ anyOf: [{ type: "string" }], oneOf: [{ type: "null" }, {}] }, ["oneOf"]],
    [{ oneOf: [{ type: "string" }, { type: "null" }, { enum: ["a"] }] }, ["oneOf", 2]],
  ])("%j is refused at %j", (schema, place) => {
    expect(failure(() => masksOf(form(schema)))).toMatchObject({ path: ["properties", "word", ...place], tool: "say" });
  });

  test("alternatives that contain themselves are refused", () => {
    const itself = { $ref: "#/properties/word" };
    for (const options of [[itself, { type: "string" }], Array.from({ length: 30 }, () => itself)])
      expect(failure(() => masksOf(form({ anyOf: options })))).toMatchObject({
        message: expect.stringMatching(/without end|too complex/),
        tool: "say",
      });
  });

  test.each<[unknown, (value: any) => boolean]>([
    [{ $ref: "#/$defs/count", minimum: 3, maximum: 5 }, value => [3, 4, 5].includes(value)],
    [{ anyOf: [{ type: "integer" }, { type: "null" }], enum: [1, null] }, value => value === 1 || value === null],
    [
      { anyOf: [{ type: "integer" }, { type: "boolean" }], maximum: 2, minimum: 1 },
      value => value === 1 || value === 2 || typeof value === "boolean",
    ],
    [{ oneOf: [{ const: 4 }, { enum: [4, 5] }] }, value => value === 5],
  ])("%j is enforced", (schema, fits) => {
    const masks = masksOf(form(schema));
    const walks = Array.from({ length: 30 }, (_, seed) => walk(masks, seed)).filter(({ ended }) => ended);
    expect(walks.length).toBeGreaterThan(5);
    for (const { ids } of walks) {
      const [given] = parse(format, ids).calls;
      const { word } = given!.arguments as { word: unknown };
      const value = typeof word === "string" && /^(\d+|true|false|null)$/.test(word) ? JSON.parse(word) : word; // no tool's schema is known here
      expect([value, fits(value)]).toEqual([value, true]);
    }
  });
});

describe("what is wrong inside one of several tools", () => {
  const hermes = toolFormats.find(({ name }) => name === "hermes")!;
  const input = (text: string) => ({ type: "grammar" as const, field: "tools[1].custom.format.grammar.definition", text });
  const endless = { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] };
  const bad: [string, object][] = [
    ["uses", { input: input("start: missing") }],
    ["left-recursive", { input: input('start: "a" b\nb: c "x"\nc: b "y" | "z"') }],
    ["nothing that ends", { input: input('start: "a" start') }],
    ["nothing that ends", { parameters: endless }],
    ["nothing at all", { parameters: false }],
  ];

  test.each(bad)("%s is told with the tool's name", (message, part) => {
    const form = callsForm(hermes, { tools: [weather, { name: "broken", ...part }] });
    expect(failure(() => masksOf(form))).toMatchObject({ message: expect.stringContaining(message), tool: "broken" });
    const alone = callsForm(hermes, { tools: [{ name: "broken", ...part }] });
    expect(failure(() => masksOf(alone))).toMatchObject({ message: expect.stringContaining(message), tool: "broken" });
  });
});

function failure(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("with hermes", () => {
  const hermes = toolFormats.find(format => format.name === "hermes")!;
  const id = (text: string) => tokenizer.addedId(text)!;

  function follow(form: AnswerForm, texts: readonly (string | number)[]): Uint8Array | undefined {
    const matcher = new Matcher(masksOf(form), [stopId]);
    for (const text of texts)
      for (const next of typeof text === "number" ? [text] : tokenizer.encode(text, { specialTokens: false })) {
        if (matcher.allowed(false)?.[next] !== 1)
          throw new Error(`${JSON.stringify(tokenizer.visible(next))} of ${JSON.stringify(text)} is not allowed`);
        matcher.accept(next);
      }
    return matcher.allowed(false);
  }

  test("a strict tool is held to its schema where it is called, and the text around is free", () => {
    const form = callsForm(hermes, { required: false });
    const open = id("<tool_call>");
    const free = follow(form, ['Well, {"x": 1} <tool ']);
    expect([free![stopId], free![open], free![id("</tool_call>")]]).toEqual([1, 1, 0]);
    const inside = follow(form, ["I see.", open, '\n{"name": "get_weather", "arguments": {"city": "']);
    expect(inside![stopId]).toBe(0);
    expect(inside!.reduce((sum, one) => sum + one)).toBeLessThan(40); // Oslo and Rio, in pieces
    expect(follow(form, [open, '\n{"name": "read_clock", "arguments": {}}\n', id("</tool_call>"), " Done"])![stopId]).toBe(1);
    expect(() => follow(form, [open, '\n{"name": "get_weather", "arguments": {"city": "Paris'])).toThrow("is not allowed");
    expect(() => follow(form, [open, '\n{"name": "other'])).toThrow("is not allowed");
  });

  test("special and added tokens never stand inside of what is enforced", () => {
    const inString = follow({ constraint: { type: "json-schema", field: "f", schema: { type: "string" } } }, ['"text']);
    for (let token = 0; token < tokenizer.vocabSize; token++) if (tokenizer.isAdded(token)) expect(inString![token]).toBe(0);
    expect(inString!.reduce((sum, one) => sum + one)).toBeGreaterThan(tokenizer.vocabSize / 2);
  });

  const reasoning = { open: "<think>", close: "</think>", headers: undefined };
  const constraint = { type: "choice", field: "f", choices: ["yes"] } as const;

  test("an answer begins behind the end of reasoning that the prompt has begun", () => {
    const form: AnswerForm = { constraint, reasoning: { ...reasoning, isOpen: true, allowed: false } };
    const thinking = follow(form, ["Hm, <think> </thi"]);
    expect([thinking![stopId], thinking![id("</think>")], thinking![id("<tool_call>")]]).toEqual([0, 1, 1]);
    expect(follow(form, ["Hm.", id("</think>"), "\n\n", "yes"])![stopId]).toBe(1);
    expect(() => follow(form, ["Hm.", id("</think>"), "no"])).toThrow("is not allowed");
  });

  test("reasoning is possible where it is allowed, and not where it is not", () => {
    const form = (allowed: boolean): AnswerForm => ({ constraint, reasoning: { ...reasoning, isOpen: false, allowed } });
    expect(follow(form(true), [])![id("<think>")]).toBe(1);
    expect(follow(form(true), [id("<think>"), "hm", id("</think>"), "yes"])![stopId]).toBe(1);
    expect(follow(form(true), ["yes"])![stopId]).toBe(1);
    expect(follow(form(false), [])![id("<think>")]).toBe(0);
  });

  test("a strict tool is no tool of thinking, which may come as often as the model likes", () => {
    const free = (isOpen: boolean): AnswerForm => ({
      ...callsForm(hermes, { required: false }),
      reasoning: { ...reasoning, isOpen, allowed: false },
    });
    const [open, close, call] = [id("<think>"), id("</think>"), id("<tool_call>")];
    const places = (form: AnswerForm, texts: readonly (string | number)[]) => [open, close, call, stopId].map(token => follow(form, texts)![token]);
    expect(places(free(true), ["Hm"])).toEqual([0, 1, 0, 0]);
    expect(places(free(true), ["Hm", close, "So"])).toEqual([1, 0, 1, 1]);
    expect(places(free(false), ["So"])).toEqual([1, 0, 1, 1]);
    expect(places(free(false), [open, "a", close, "\n\nb", open, "c"])).toEqual([0, 1, 0, 0]);
  });

  test("beside tools an answer is what is asked for or a call", () => {
    const form: AnswerForm = { ...callsForm(hermes, { required: false }), constraint };
    expect(follow(form, ["yes"])![stopId]).toBe(1);
    expect(follow(form, [id("<tool_call>"), '\n{"name": "read_clock", "arguments": {}}\n', id("</tool_call>")])![stopId]).toBe(1);
    expect(() => follow(form, ["so"])).toThrow("is not allowed");
  });

  test("a tool of one text holds that text to a grammar of its own", () => {
    const tool = { name: "sql", input: { type: "regex", field: "f", pattern: 'SELECT "[a-c]+"' } } as const;
    const form = callsForm(hermes, { tools: [tool] });
    const done = follow(form, [id("<tool_call>"), '\n{"name": "sql", "arguments": {"input":"SELECT \\"abc\\""}}\n', id("</tool_call>")]);
    expect(done![stopId]).toBe(1);
    expect(() => follow(form, [id("<tool_call>"), '\n{"name": "sql", "arguments": {"input":"DROP'])).toThrow("is not allowed");
  });

  test("a stop id that is markup of the format ends the answer where that markup stands", () => {
    const matcher = new Matcher(masksOf(callsForm(hermes, { most: 1 })), [stopId, id("</tool_call>")]);
    for (const token of [id("<tool_call>"), ...tokenizer.encode('\n{"name": "read_clock", "arguments": {}}\n', { specialTokens: false })]) {
      expect(matcher.allowed(false)![token]).toBe(1);
      matcher.accept(token);
    }
    expect(Array.from(matcher.allowed(false)!.keys()).filter(token => matcher.allowed(false)![token] === 1)).toEqual([id("</tool_call>")]);
    matcher.accept(id("</tool_call>"));
    expect(matcher.allowed(false)).toBeUndefined();
  });
});
