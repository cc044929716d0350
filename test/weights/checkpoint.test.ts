import { expect, test } from "bun:test";
import { join } from "node:path";
import { readConfigFile, readTensors } from "../../src/weights/checkpoint.ts";
import { failure, withFolder, zeroTensors } from "../helpers/checkpoints.ts";

const INDEX = "model.safetensors.index.json";
const [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

type Files = Parameters<typeof withFolder>[0];
const tensorsOf = (files: Files) => withFolder(files, folder => [...readTensors(folder).values()].map(t => `${t.name} in ${t.file}`));
const fails = (files: Files) => failure(() => tensorsOf(files));

test("one file is read without an index", () => {
  expect(tensorsOf({ "model.safetensors": zeroTensors({ a: [2], b: [3] }), "other.safetensors": "no checkpoint" })).toEqual([
    "a in model.safetensors",
    "b in model.safetensors",
  ]);
});

test("shards are read as the index names them, and all of them without one", () => {
  const shards = { [one]: zeroTensors({ a: [2] }), [two]: zeroTensors({ b: [3] }) };
  const expected = [`a in ${one}`, `b in ${two}`];
  expect(tensorsOf(shards)).toEqual(expected);
  expect(tensorsOf({ ...shards, "model-old.safetensors": "left over", [INDEX]: { weight_map: { a: one, b: two } } })).toEqual(expected);
});

test("an index that does not fit its shards is refused", () => {
  const shards = { [one]: zeroTensors({ a: [2] }), [two]: zeroTensors({ b: [3] }) };
  const withMap = (weight_map: unknown) => fails({ ...shards, [INDEX]: { weight_map } });
  expect(withMap([])).toBe(`CheckpointError: ${INDEX}: weight_map is no object`);
  expect(withMap({})).toBe(`CheckpointError: ${INDEX}: weight_map is empty`);
  expect(withMap({ a: 1 })).toBe(`CheckpointError: ${INDEX}: tensor "a" has no file name`);
  expect(withMap({ a: one, b: one })).toBe(`CheckpointError: ${one}: tensor "b" is missing, the index names this file`);
  expect(withMap({ a: one, b: "model-00003.safetensors" })).toBe(`CheckpointError: ${INDEX}: "model-00003.safetensors" is missing`);
  expect(fails({ ...shards, [INDEX]: "{" })).toBe(`CheckpointError: ${INDEX}: no JSON`);
});

test("an index cannot name files outside the folder", () => {
  for (const file of [
    "../model.safetensors",
    "/etc/x.safetensors",
    "a/b.safetensors",
    "..\\x.safetensors",
    ".x.safetensors",
    "config.json",
    "a\0.safetensors",
  ])
    expect(fails({ [INDEX]: { weight_map: { a: file } } })).toBe(
      `CheckpointError: ${INDEX}: ${JSON.stringify(file)} is no safetensors file of this folder`,
    );
});

test("a tensor in two shards is refused", () => {
  expect(fails({ [one]: zeroTensors({ a: [2] }), [two]: zeroTensors({ a: [2] }) })).toBe(`CheckpointError: ${two}: tensor "a" is in ${one} too`);
});

test("a folder without tensors or without config.json says so", () => {
  expect(fails({})).toMatch(/^CheckpointError: .*: no model\.safetensors$/);
  expect(withFolder({}, folder => failure(() => readConfigFile(folder)))).toMatch(/^CheckpointError: config\.json: no such file in .*$/);
  expect(withFolder({}, folder => failure(() => readConfigFile(join(folder, "x"))))).toMatch(/^CheckpointError: .*: no such folder$/);
});

test("config.json must be a JSON object, with Python's Infinity and NaN allowed", () => {
  const read = (config: string) => withFolder({ "config.json": config }, readConfigFile);
  expect(read('{"a": Infinity, "b": [-Infinity, NaN], "c": "NaN \\" Infinity"}')).toEqual({ a: Infinity, b: [-Infinity, null], c: 'NaN " Infinity' });
  for (const text of ["", "{", "nonsense", "{'a': 1}"]) expect(failure(() => read(text))).toBe("CheckpointError: config.json: no JSON");
  for (const text of ["[]", "null", "3", '"text"']) expect(failure(() => read(text))).toBe("CheckpointError: config.json: no JSON object");
});
