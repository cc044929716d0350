import { afterAll, describe, expect, test } from "bun:test";
import { Encoder } from "../../src/tokenizer/encoder.ts";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import { byteLevel, modelFolder } from "./fixtures.ts";

const folder = modelFolder({ "tokenizer.json": byteLevel() });
afterAll(() => folder[Symbol.dispose]());
const tokenizer = openTokenizer(folder.path);
const workerUrl = new URL("../../src/tokenizer/worker.ts", import.meta.url);
const options = { specialTokens: false };
const text = "hello wörld 🙂 <|im_end|> ".repeat(40);

describe("long texts are encoded in a Worker", () => {
  test("with the same result", async () => {
    const encoder = new Encoder({ tokenizer, folder: folder.path, workerUrl, longText: 100 });
    const [long, short, again] = await Promise.all([
      encoder.encode(text, options),
      encoder.encode("hello", options),
      encoder.encode(text + "a", options),
    ]);
    expect(long).toEqual(tokenizer.encode(text, options));
    expect(short).toEqual(tokenizer.encode("hello", options));
    expect(again).toEqual(tokenizer.encode(text + "a", options));
    encoder.close();
  });

  test("which is let go when idle, and started again", async () => {
    const encoder = new Encoder({ tokenizer, folder: folder.path, workerUrl, longText: 100, idleMs: 1 });
    await encoder.encode(text, options);
    await Bun.sleep(30);
    expect(await encoder.encode(text, options)).toEqual(tokenizer.encode(text, options));
    encoder.close();
  });

  test("and in place when it is closed meanwhile, cannot start, or is not wanted", async () => {
    const closed = new Encoder({ tokenizer, folder: folder.path, workerUrl, longText: 100 });
    const ids = closed.encode(text, options);
    await Promise.resolve();
    closed.close();
    expect(await ids).toEqual(tokenizer.encode(text, options));
    const broken = new Encoder({ tokenizer, folder: folder.path, workerUrl: new URL("./no-such-worker.ts", import.meta.url), longText: 100 });
    expect(await broken.encode(text, options)).toEqual(tokenizer.encode(text, options));
    const without = new Encoder({ tokenizer, folder: folder.path, longText: 100 });
    expect(await without.encode(text, options)).toEqual(tokenizer.encode(text, options));
  });

  test("whose failures come back", async () => {
    const encoder = new Encoder({ tokenizer, folder: "/nonexistent", workerUrl, longText: 100 });
    expect(encoder.encode(text, options)).rejects.toThrow(/tokenizer\.json is missing/);
    await encoder.encode(text, options).catch(() => {});
    encoder.close();
  });
});
