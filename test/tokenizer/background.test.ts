import { afterAll, describe, expect, test } from "bun:test";
import { Background } from "../../src/tokenizer/background.ts";
import { TemplateError } from "../../src/tokenizer/error.ts";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import { ChatTemplate } from "../../src/tokenizer/template.ts";
import { byteLevel, chatTemplate, modelFolder } from "./fixtures.ts";

const folder = modelFolder({ "tokenizer.json": byteLevel() });
afterAll(() => folder[Symbol.dispose]());
const tokenizer = openTokenizer(folder.path);
const workerUrl = new URL("../../src/tokenizer/worker.ts", import.meta.url);
const options = { specialTokens: false };
const text = "hello wörld 🙂 <|im_end|> ".repeat(40);

describe("large texts are encoded in a Worker", () => {
  test("with the same result", async () => {
    const background = new Background({ tokenizer, folder: folder.path, workerUrl, largeText: 100 });
    const [long, short, again] = await Promise.all([
      background.encode(text, options),
      background.encode("hello", options),
      background.encode(text + "a", options),
    ]);
    expect(long).toEqual(tokenizer.encode(text, options));
    expect(short).toEqual(tokenizer.encode("hello", options));
    expect(again).toEqual(tokenizer.encode(text + "a", options));
    background.close();
  });

  test("which is let go when idle, and started again", async () => {
    const background = new Background({ tokenizer, folder: folder.path, workerUrl, largeText: 100, idleMs: 1 });
    await background.encode(text, options);
    await Bun.sleep(30);
    expect(await background.encode(text, options)).toEqual(tokenizer.encode(text, options));
    background.close();
  });

  test("but not when the server stops meanwhile: nothing is encoded then", async () => {
    let encoded = 0;
    const counting = Object.assign(Object.create(tokenizer) as typeof tokenizer, {
      encode: () => {
        encoded++;
        return new Uint32Array();
      },
    });
    const closed = new Background({ tokenizer: counting, folder: folder.path, workerUrl, largeText: 100 });
    const asked = Promise.allSettled([closed.encode(text, options), closed.encode(text, options)]);
    closed.close();
    for (const { status, ...rest } of await asked)
      expect([status, String((rest as { reason?: unknown }).reason)]).toEqual(["rejected", "Error: the server is stopping"]);
    expect(encoded).toBe(0);
  });

  test("and in place, with other work in between, when it cannot start or is not wanted", async () => {
    const broken = new Background({ tokenizer, folder: folder.path, workerUrl: new URL("./no-such-worker.ts", import.meta.url), largeText: 100 });
    let turn = 0;
    const ticking = new AbortController();
    const immediate = () => {
      turn += 1;
      if (!ticking.signal.aborted) setImmediate(immediate);
    };
    immediate();
    const turns = new Set<number>();
    const note = (ids: Uint32Array) => {
      turns.add(turn);
      return ids;
    };
    const all = await Promise.all([text, text, text].map(async input => note(await broken.encode(input, options))));
    ticking.abort();
    for (const ids of all) expect(ids).toEqual(tokenizer.encode(text, options));
    expect(turns.size).toBe(3);
    const without = new Background({ tokenizer, folder: folder.path, largeText: 100 });
    expect(await without.encode(text, options)).toEqual(tokenizer.encode(text, options));
  });

  test("whose failures come back", async () => {
    const background = new Background({ tokenizer, folder: "/nonexistent", workerUrl, largeText: 100 });
    await expect(background.encode(text, options)).rejects.toThrow(/tokenizer\.json is missing/);
    background.close();
  });
});

describe("large conversations are rendered in a Worker", () => {
  const template = new ChatTemplate({ default: chatTemplate }, { bosToken: "<s>" });
  const input = (count: number) => ({
    messages: Array.from({ length: count }, (_, at) => ({ role: "user", content: `${at}` })),
    tools: [],
    variables: {},
  });

  test("with the same result", async () => {
    const background = new Background({ tokenizer, folder: folder.path, workerUrl, largeChat: 3 });
    expect(await background.render(template, input(2))).toBe(template.render(input(2)));
    expect(await background.render(template, input(20))).toBe(template.render(input(20)));
    background.close();
  });

  test("and fail as they would in place", async () => {
    const background = new Background({ tokenizer, folder: folder.path, workerUrl, largeChat: 3 });
    const strict = new ChatTemplate({ default: "{{ raise_exception('Too many') }}" }, {});
    const error: unknown = await background.render(strict, input(20)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TemplateError);
    expect(error).toHaveProperty("message", "Too many");
    background.close();
  });
});
