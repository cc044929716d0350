// What a checkpoint folder holds: config.json, and the tensors of its safetensors files by name. Reads no tensor data.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError, quoted } from "./error.ts";
import { readHeader, type StoredTensor } from "./safetensors.ts";
import { isObject } from "../util/json.ts";

export interface CheckpointTensor extends StoredTensor {
  readonly file: string; // name inside the folder
}

const INDEX = "model.safetensors.index.json";
const MAX_JSON = 100_000_000;

/** config.json of a checkpoint folder. */
export function readConfigFile(folder: string): Readonly<Record<string, unknown>> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new CheckpointError(`${folder}: no such folder`);
  return readJsonObject(folder, "config.json");
}

/** All tensors of a checkpoint folder by name, with every header checked. */
export function readTensors(folder: string): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  const index = isFile(join(folder, INDEX)) ? readIndex(folder) : undefined;
  for (const file of index === undefined ? findFiles(folder) : new Set(index.values())) {
    for (const tensor of readHeader(join(folder, file))) {
      const other = tensors.get(tensor.name);
      if (other !== undefined) throw new CheckpointError(`${file}: tensor ${quoted(tensor.name)} is in ${other.file} too`);
      tensors.set(tensor.name, { ...tensor, file });
    }
  }
  for (const [name, file] of index ?? []) {
    if (tensors.get(name)?.file !== file) throw new CheckpointError(`${file}: tensor ${quoted(name)} is missing, the index names this file`);
  }
  return tensors;
}

function findFiles(folder: string): string[] {
  const files = readdirSync(folder).filter(name => name.startsWith("model") && name.endsWith(".safetensors"));
  if (files.length === 0) throw new CheckpointError(`${folder}: no model.safetensors`);
  return files.includes("model.safetensors") ? ["model.safetensors"] : files.sort();
}

function readIndex(folder: string): Map<string, string> {
  const { weight_map: map } = readJsonObject(folder, INDEX);
  if (!isObject(map)) throw new CheckpointError(`${INDEX}: weight_map is no object`);
  const index = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== "string") throw new CheckpointError(`${INDEX}: tensor ${quoted(name)} has no file name`);
    if (!/^[^/\\\0]+\.safetensors$/.test(file) || file.startsWith("."))
      throw new CheckpointError(`${INDEX}: ${quoted(file)} is no safetensors file of this folder`);
    if (!isFile(join(folder, file))) throw new CheckpointError(`${INDEX}: ${quoted(file)} is missing`);
    index.set(name, file);
  }
  if (index.size === 0) throw new CheckpointError(`${INDEX}: weight_map is empty`);
  return index;
}

/** Any JSON file of the folder; errors call it `name`. */
export function readJson(folder: string, file: string, name = file): unknown {
  const path = join(folder, file);
  if (!isFile(path)) throw new CheckpointError(name === file ? `${file}: no such file in ${folder}` : `${name}: no such file`);
  if (statSync(path).size > MAX_JSON) throw new CheckpointError(`${name}: too large`);
  try {
    return JSON.parse(withoutPythonNumbers(readFileSync(path, "utf8")));
  } catch {
    throw new CheckpointError(`${name}: no JSON`);
  }
}

/** A JSON file of the folder that holds an object. */
export function readJsonObject(folder: string, file: string, name = file): Readonly<Record<string, unknown>> {
  const value = readJson(folder, file, name);
  if (!isObject(value)) throw new CheckpointError(`${name}: no JSON object`);
  return value as Record<string, unknown>;
}

/** Python writes Infinity and NaN into JSON; 1e999 is what JSON.parse takes for the first, null stands for the second. */
function withoutPythonNumbers(text: string): string {
  if (!/Infinity|NaN/.test(text)) return text;
  return text.replace(/"(?:[^"\\]|\\.)*"|Infinity|NaN/g, token => (token === "Infinity" ? "1e999" : token === "NaN" ? "null" : token));
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
