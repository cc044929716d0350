// Checkpoints that do not hold: each is refused in one line with an exit code, no stack, and nothing left running.
import { expect, test } from "bun:test";
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../helpers/imports.ts";
import { Server } from "../helpers/server.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const folder = temporaryFolder("checkpoints");

type Json = Record<string, unknown>;

interface Checkpoint {
  readonly path: (file: string) => string;
  readonly edit: (file: string, change: (json: Json) => void) => void;
  readonly header: (change: (json: Record<string, Json>) => void) => void;
}

function open(at: string): Checkpoint {
  const path = (file: string) => join(at, file);
  const edit = (file: string, change: (json: Json) => void) => {
    const json = JSON.parse(readFileSync(path(file), "utf8")) as Json;
    change(json);
    writeFileSync(path(file), JSON.stringify(json));
  };
  const header = (change: (json: Record<string, Json>) => void) => {
    const bytes = readFileSync(path("model.safetensors"));
    const length = Number(bytes.readBigUInt64LE(0));
    const json = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<string, Json>;
    change(json);
    const text = Buffer.from(JSON.stringify(json));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(path("model.safetensors"), Buffer.concat([size, text, bytes.subarray(8 + length)]));
  };
  return { path, edit, header };
}

function firstTensor(json: Record<string, Json>): Json {
  return Object.entries(json).find(([name]) => name !== "__metadata__")![1];
}

const cases: Record<string, (checkpoint: Checkpoint) => void> = {
  "config.json is no JSON": ({ path }) => writeFileSync(path("config.json"), "{ not json"),
  "config.json is a list": ({ path }) => writeFileSync(path("config.json"), "[]"),
  "config.json is missing": ({ path }) => rmSync(path("config.json")),
  "the model type is unknown": ({ edit }) => edit("config.json", json => void (json.model_type = "../../etc/passwd")),
  "the model type is missing": ({ edit }) => edit("config.json", json => void delete json.model_type),
  "a size is negative": ({ edit }) => edit("config.json", json => void (json.hidden_size = -64)),
  "a size is text": ({ edit }) => edit("config.json", json => void (json.num_hidden_layers = "all")),
  "the layers are a billion": ({ edit }) => edit("config.json", json => void (json.num_hidden_layers = 1e9)),
  "there are more layers than tensors": ({ edit }) => edit("config.json", json => void (json.num_hidden_layers = Number(json.num_hidden_layers) + 1)),
  "there are no weights": ({ path }) => rmSync(path("model.safetensors")),
  "the weights are empty": ({ path }) => writeFileSync(path("model.safetensors"), ""),
  "the weights are cut": ({ path }) => truncateSync(path("model.safetensors"), readFileSync(path("model.safetensors")).length / 2),
  "the header claims more than the file": ({ path }) => {
    const bytes = readFileSync(path("model.safetensors"));
    bytes.writeBigUInt64LE(1n << 62n, 0);
    writeFileSync(path("model.safetensors"), bytes);
  },
  "the header is no JSON": ({ path }) => {
    const bytes = readFileSync(path("model.safetensors"));
    bytes.fill(0x7b, 8, 64);
    writeFileSync(path("model.safetensors"), bytes);
  },
  "a tensor lies outside the file": ({ header }) => header(json => void (firstTensor(json).data_offsets = [0, 2 ** 40])),
  "a tensor's offsets are negative": ({ header }) => header(json => void (firstTensor(json).data_offsets = [-8, 8])),
  "a tensor's shape does not fit its bytes": ({ header }) => header(json => void (firstTensor(json).shape = [3, 5, 7])),
  "a tensor's type is unknown": ({ header }) => header(json => void (firstTensor(json).dtype = "F1")),
  "there is no tokenizer": ({ path }) => rmSync(path("tokenizer.json")),
  "the tokenizer is no JSON": ({ path }) => writeFileSync(path("tokenizer.json"), "<html>"),
  "the tokenizer has no model": ({ path }) => writeFileSync(path("tokenizer.json"), "{}"),
};

test.each(Object.entries(cases))("%s", async (name, damage) => {
  const at = join(folder, name.replaceAll(/\W/g, "-"));
  cpSync(join(root, "mini/checkpoint"), at, { recursive: true });
  damage(open(at));
  await using server = new Server({ model: at });
  const code = await server.exitCode;
  expect(server.output).toEqual([expect.stringMatching(/^error: \S.{10,400}$/)]);
  expect(server.output[0]).toContain(at);
  expect([1, 3]).toContain(code);
  rmSync(at, { recursive: true });
});
