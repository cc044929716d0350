// One low-rank adapter as mlx-lm or PEFT stores it: which projections it changes, by their names in the checkpoint, and by how much.
// Reads headers only. How a layer was chosen for training (keys, num_layers, target_modules, dropout) shows in which tensors are there.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "../util/json.ts";
import { isFile, readJsonObject } from "./checkpoint.ts";
import { CheckpointError, quoted } from "./error.ts";
import { readHeader, type StoredTensor } from "./safetensors.ts";
import { isFloat } from "./store.ts";

type Json = Readonly<Record<string, unknown>>;

/** x → x · down · up · scale is added to what a projection makes of x. With a magnitude, the sum is then stretched, see dora.ts. */
export interface Adapter {
  readonly folder: string;
  readonly file: string; // of its tensors
  readonly scale: number;
  readonly turned: boolean; // matrices are stored [outputs, inputs]
  readonly layers: ReadonlyMap<string, LowRank>; // by the projection's name
}

export interface LowRank {
  readonly down: StoredTensor; // [inputs, rank] unless turned
  readonly up: StoredTensor; // [rank, outputs] unless turned
  readonly magnitude?: StoredTensor; // [outputs]
  readonly rank: number;
}

interface Layout {
  readonly file: string;
  readonly turned: boolean;
  readonly prefix: string;
  readonly ends: readonly [down: string, up: string, magnitude: string];
  readonly read: (config: Config) => Setting;
}

interface Config {
  readonly path: string;
  readonly json: Json;
}

interface Setting {
  readonly rank: number;
  readonly scale: number;
  readonly dora: boolean; // every projection has a magnitude
}

const CONFIG = "adapter_config.json";
const layouts: readonly Layout[] = [
  { file: "adapters.safetensors", turned: false, prefix: "", ends: [".lora_a", ".lora_b", ".m"], read: readMlxLm },
  {
    file: "adapter_model.safetensors",
    turned: true,
    prefix: "base_model.model.",
    ends: [".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"],
    read: readPeft,
  },
];

/** Throws CheckpointError that names the file, and the field or tensor. */
export function readAdapter(folder: string): Adapter {
  const layout = layouts.find(({ file }) => isFile(join(folder, file)));
  if (layout === undefined) throw new CheckpointError(`${folder}: no ${layouts.map(({ file }) => file).join(" and no ")}`);
  const configPath = join(folder, CONFIG);
  const { rank, scale, dora } = layout.read({ path: configPath, json: readJsonObject(folder, CONFIG, configPath) });
  const path = join(folder, layout.file);
  const ends = dora ? layout.ends : layout.ends.slice(0, 2);
  const tensors = new Map(readHeader(path).map(tensor => [tensor.name, tensor]));
  const layers = new Map<string, LowRank>();
  for (const name of tensors.keys()) {
    const end = ends.find(one => name.endsWith(one));
    if (end === undefined || !name.startsWith(layout.prefix))
      throw new CheckpointError(`${path}: tensor ${quoted(name)} is no part of a low-rank adapter`);
    const stem = name.slice(0, -end.length);
    const [down, up, magnitude] = ends.map(one => {
      const found = tensors.get(stem + one);
      if (found === undefined) throw new CheckpointError(`${path}: tensor ${quoted(stem + one)} is missing`);
      return found;
    });
    if (end === ends[0]) layers.set(stem.slice(layout.prefix.length), checked(path, { down: down!, up: up!, rank, ...(magnitude && { magnitude }) }));
  }
  if (layers.size === 0) throw new CheckpointError(`${path}: holds no tensor`);
  return { folder, file: layout.file, scale, turned: layout.turned, layers };
}

/** What is kept of a model's work on disk must not serve another adapter. */
export function adapterFingerprint({ folder, file }: Adapter): string {
  const digest = createHash("sha256");
  for (const name of [CONFIG, file]) digest.update(readFileSync(join(folder, name)));
  return digest.digest("hex");
}

function checked(path: string, layer: LowRank): LowRank {
  const { down, up, magnitude } = layer;
  for (const { name, dtype, shape } of [down, up, ...(magnitude ? [magnitude] : [])]) {
    if (!isFloat(dtype)) throw new CheckpointError(`${path}: tensor ${quoted(name)} is of ${dtype}, expected floating-point numbers`);
    if (name !== magnitude?.name && shape.length !== 2)
      throw new CheckpointError(`${path}: tensor ${quoted(name)} has shape [${shape.join(", ")}], expected a matrix`);
  }
  return layer;
}

function readMlxLm(config: Config): Setting {
  const dora = oneOf(config, "fine_tune_type", ["lora", "dora"]) === "dora";
  const parameters = config.json["lora_parameters"];
  if (!isObject(parameters)) throw fieldError(config, "lora_parameters is missing");
  const { rank, scale } = parameters as Json;
  return { rank: readRank(config, rank, "lora_parameters.rank"), scale: readNumber(config, scale, "lora_parameters.scale"), dora };
}

function readPeft(config: Config): Setting {
  const { json } = config;
  oneOf(config, "peft_type", ["LORA"]);
  oneOf(config, "bias", ["none"]);
  for (const field of ["modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "layer_replication"]) {
    const value = json[field];
    const isSet = isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
    if (isSet) throw fieldError(config, `${field} is not supported`);
  }
  const rank = readRank(config, json["r"], "r");
  const scale = readNumber(config, json["lora_alpha"], "lora_alpha") / (json["use_rslora"] === true ? Math.sqrt(rank) : rank);
  return { rank, scale, dora: json["use_dora"] === true };
}

/** The value of a field, which is the first of these where it is not given. */
function oneOf(config: Config, field: string, supported: readonly string[]): unknown {
  const value = config.json[field] ?? supported[0];
  if (supported.some(one => one === value)) return value;
  throw fieldError(config, `${field} is ${JSON.stringify(value)}, supported: ${supported.join(", ")}`);
}

function readRank(config: Config, value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw fieldError(config, `${field} is ${JSON.stringify(value) ?? "missing"}, not a positive integer`);
}

function readNumber(config: Config, value: unknown, field: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw fieldError(config, `${field} is ${JSON.stringify(value) ?? "missing"}, not a number`);
}

function fieldError({ path }: Config, what: string): CheckpointError {
  return new CheckpointError(`${path}: ${what}`);
}
