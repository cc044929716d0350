// sentence-transformers' files that do not hold: each is refused by the name of its file and what is wrong, and nothing stays in memory.
import { beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadEncoder } from "../../src/embeddings/load.ts";
import * as mx from "../../src/mx/index.ts";
import { failure } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const golden = join(import.meta.dir, "../golden/encoders");
const place = temporaryFolder("modules");
beforeAll(openForTests);

type Json = Record<string, unknown>;

/** A copy of a recorded encoder with one JSON file changed. */
function changed(name: string, file: string, change: (json: any) => unknown): string {
  const folder = mkdtempSync(join(place, "copy-"));
  cpSync(join(golden, name), folder, { recursive: true });
  const json: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
  writeFileSync(join(folder, file), JSON.stringify(change(json) ?? json));
  return folder;
}

const module = (type: string, path = "1_Pooling") => ({ idx: 1, name: "1", path, type: `sentence_transformers.models.${type}` });
const pooling = "1_Pooling/config.json";

test.each<[string, string, string, (json: any) => unknown, RegExp]>([
  [
    "an unknown module",
    "bert/mean",
    "modules.json",
    json => void json.push(module("LayerNorm")),
    /modules\.json: \[3\]\.type is .*LayerNorm.*supported: Transformer/,
  ],
  [
    "a path outside",
    "bert/mean",
    "modules.json",
    json => void (json[1].path = "../mean/1_Pooling"),
    /modules\.json: \[1\]\.path .*no folder of the checkpoint/,
  ],
  ["no pooling", "bert/mean", "modules.json", json => [json[0], json[2]], /modules\.json: must be a Transformer, one Pooling/],
  ["two poolings", "bert/mean", "modules.json", json => void json.push(module("Pooling")), /modules\.json: must be/],
  ["no list", "bert/mean", "modules.json", () => ({}), /modules\.json: no list/],
  ["a missing folder", "bert/mean", "modules.json", json => void (json[1].path = "9_Pooling"), /9_Pooling\/config\.json: no such file/],
  [
    "two modes of pooling",
    "bert/mean",
    pooling,
    json => void (json.pooling_mode = ["mean", "max"]),
    /1_Pooling\/config\.json: pooling_mode is mean and max/,
  ],
  [
    "an unknown mode",
    "bert/mean",
    pooling,
    json => void (json.pooling_mode = "weightedmean"),
    /pooling_mode is weightedmean, supported is one of mean/,
  ],
  ["no mode", "bert/mean", pooling, () => ({ embedding_dimension: 32 }), /pooling_mode is missing/],
  ["a prompt that is left out", "bert/mean", pooling, json => void (json.include_prompt = false), /include_prompt is false, which is not supported/],
  [
    "a dense layer of another width",
    "bert/cls-dense",
    "2_Dense/config.json",
    json => void (json.in_features = 31),
    /2_Dense\/config\.json: in_features is 31/,
  ],
  [
    "a dense layer with other weights",
    "bert/cls-dense",
    "2_Dense/config.json",
    json => void (json.out_features = 23),
    /tensor "linear\.\w+" has shape/,
  ],
  [
    "an activation of its own",
    "bert/cls-dense",
    "2_Dense/config.json",
    json => void (json.activation_function = "os.system"),
    /activation_function is "os\.system", supported: Identity/,
  ],
  [
    "an unknown architecture",
    "bert/mean",
    "config.json",
    json => void (json.model_type = "t5"),
    /model_type "t5" is no supported encoder; those are bert/,
  ],
  [
    "relative positions",
    "bert/mean",
    "config.json",
    json => void (json.position_embedding_type = "relative_key"),
    /position_embedding_type is "relative_key"/,
  ],
  ["heads that do not divide", "bert/mean", "config.json", json => void (json.num_attention_heads = 5), /hidden_size is 32, not divisible/],
  [
    "more layers than tensors",
    "modernbert/mean",
    "config.json",
    json => void ((json.num_hidden_layers = 4), (json.layer_types = null)),
    /tensor "layers\.3\..*" is missing/,
  ],
  ["an unknown kind of layer", "modernbert/mean", "config.json", json => void (json.layer_types[0] = "linear"), /layer_types has "linear"/],
])("%s is refused by name", (_, name, file, change, message) => {
  const before = mx.liveHandles();
  const folder = changed(name, file, change);
  expect(failure(() => loadEncoder(folder, { task: "embed" }))).toMatch(message);
  expect(mx.liveHandles()).toBe(before);
});

test.each<[string, string, (json: Json) => unknown, RegExp]>([
  ["several labels", "bert/rank", json => void (json["id2label"] = { 0: "a", 1: "b" }), /id2label names 2 labels, and a reranker has one/],
  ["no head", "bert/mean", () => undefined, /tensor "bert\.embeddings\..*" is missing/],
])("a reranker with %s is refused by name", (_, name, change, message) => {
  const before = mx.liveHandles();
  expect(failure(() => loadEncoder(changed(name, "config.json", change), { task: "rank" }))).toMatch(message);
  expect(mx.liveHandles()).toBe(before);
});

test("the older form of pooling's file means the same", () => {
  const folder = changed("bert/mean", pooling, () => ({
    word_embedding_dimension: 32,
    pooling_mode_cls_token: false,
    pooling_mode_mean_tokens: true,
  }));
  const [old, recorded] = [loadEncoder(folder, { task: "embed" }), loadEncoder(join(golden, "bert/mean"), { task: "embed" })];
  const text = { ids: Uint32Array.of(5, 6, 7) };
  expect(old.encode([text])).toEqual(recorded.encode([text]));
  old.release();
  recorded.release();
});

test("without modules.json an encoder's vectors are pooled as is usual for it, and normalised", () => {
  const folder = changed("qwen3/last", "config.json", () => undefined);
  rmSync(join(folder, "modules.json"));
  const encoder = loadEncoder(folder, { task: "embed" });
  expect(encoder.info.head).toBe("last, normalised");
  encoder.release();
});
