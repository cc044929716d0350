// Encoders that are loaded when clients name them: one at a time, each once, and nothing is left of those that cannot be used.
import { describe, expect, test } from "bun:test";
import { EncoderHost } from "../../src/retrieval/host.ts";
import { openEncoderService, type EncoderService } from "../../src/retrieval/service.ts";
import { TokenizerError } from "../../src/tokenizer/error.ts";
import { FakeEncoder, type FakeEncoderOptions } from "../helpers/fake-encoder.ts";
import { encoderFolder } from "../http/encoders.ts";

const folder = encoderFolder();

interface Opened {
  readonly host: EncoderHost;
  readonly engines: Record<string, FakeEncoder[]>;
}

function open(models: Readonly<Record<string, FakeEncoderOptions | "broken">>): Opened {
  const engines: Record<string, FakeEncoder[]> = {};
  const openNamed = (name: string): EncoderService | undefined => {
    const model = models[name];
    if (model === undefined) return undefined;
    if (model === "broken") throw new TokenizerError("tokenizer.json is missing");
    const engine = new FakeEncoder(model);
    (engines[name] ??= []).push(engine);
    return openEncoderService(folder, { id: name, task: "embed", start: () => engine });
  };
  return { host: new EncoderHost({ flag: "--embedding-model", open: openNamed }), engines };
}

const failure = (work: Promise<unknown>) => work.then(String, (error: Error & { status?: number }) => `${error.status} ${error.message}`);

describe("an encoder that a client names", () => {
  test("is loaded once for all requests that name it, at once or later", async () => {
    const { host, engines } = open({ "org/a": {} });
    const [first, second] = await Promise.all([host.find("org/a"), host.find("org/a")]);
    expect(first).toBe(second);
    expect(await host.find("org/a")).toBe(first);
    expect(engines["org/a"]!.length).toBe(1);
  });

  test("is the one that requests without a name get afterwards", async () => {
    const { host } = open({ "org/a": {} });
    expect(await failure(host.find(undefined))).toMatch(/^404 .*--embedding-model/);
    const named = await host.find("org/a");
    expect([await host.find(undefined), await host.find("default")]).toEqual([named, named]);
  });

  test("replaces the one before, which ends", async () => {
    const { host, engines } = open({ "org/a": {}, "org/b": {} });
    await host.find("org/a");
    await host.find("org/b");
    expect([engines["org/a"]![0]!.ended, engines["org/b"]![0]!.ended]).toEqual([true, false]);
    expect(host.loaded.map(({ id }) => id)).toEqual(["org/b"]);
  });

  test("leaves one engine when many names are asked for at once", async () => {
    const { host, engines } = open({ "org/a": {}, "org/b": {}, "org/c": {} });
    await Promise.all(["org/a", "org/b", "org/c", "org/a", "org/b"].map(name => host.find(name)));
    const alive = Object.values(engines)
      .flat()
      .filter(({ ended }) => !ended);
    expect(alive.length).toBe(1);
    expect(host.loaded.map(({ id }) => id)).toEqual(["org/b"]);
  });

  test("that is not there is a 404, and the last one stays", async () => {
    const { host } = open({ "org/a": {} });
    const last = await host.find("org/a");
    expect(await failure(host.find("org/none"))).toMatch(/^404 The model 'org\/none' is not on this machine/);
    expect(await host.find(undefined)).toBe(last);
  });

  test.each<[string, FakeEncoderOptions | "broken", string]>([
    ["does not load", { refuses: "config.json: model_type is missing" }, "config.json: model_type is missing"],
    ["has no tokenizer", "broken", "tokenizer.json is missing"],
  ])("that %s is a 400 with the reason, ends, and the last one stays", async (_, model, reason) => {
    const { host, engines } = open({ "org/a": {}, "org/bad": model });
    const last = await host.find("org/a");
    expect(await failure(host.find("org/bad"))).toBe(`400 The model 'org/bad' cannot be used here: ${reason}`);
    expect(await host.find(undefined)).toBe(last);
    expect(engines["org/bad"]?.every(({ ended }) => ended) ?? true).toBe(true);
  });

  test("ends with the server", async () => {
    const { host, engines } = open({ "org/a": {} });
    await host.find("org/a");
    await host.drain();
    expect(engines["org/a"]![0]!.ended).toBe(true);
  });
});
