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

/** x → x · down · up · scale is added to what a projection makes of x. */
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
  readonly rank: number;
}

interface Layout {
  readonly file: string;
  readonly turned: boolean;
  readonly prefix: string;
  readonly ends: readonly [down: string, up: string];
  readonly read: (config: Json) => { readonly rank: number; readonly scale: number };
}

const CONFIG = "adapter_config.json";
const layouts: readonly Layout[] = [
  { file: "adapters.safetensors", turned: false, prefix: "", ends: [".lora_a", ".lora_b"], read: readMlxLm },
  { file: "adapter_model.safetensors", turned: true, prefix: "base_model.model.", ends: [".lora_A.weight", ".lora_B.weight"], read: readPeft },
];

/** Throws CheckpointError that names the file, and the field or tensor. */
export function readAdapter(folder: string): Adapter {
  const layout = layouts.find(({ file }) => isFile(join(folder, file)));
  if (layout === undefined) throw new CheckpointError(`${folder}: no ${layouts.map(({ file }) => file).join(" and no ")}`);
  const { rank, scale } = layout.read(readJsonObject(folder, CONFIG));
  const path = join(folder, layout.file);
  const tensors = new Map(readHeader(path).map(tensor => [tensor.name, tensor]));
  const layers = new Map<string, LowRank>();
  for (const [name, down] of tensors) {
    const end = layout.ends.findIndex(one => name.endsWith(one));
    if (end < 0 || !name.startsWith(layout.prefix)) throw new CheckpointError(`${path}: tensor ${quoted(name)} is no part of a low-rank adapter`);
    const stem = name.slice(0, -layout.ends[end]!.length);
    const up = tensors.get(stem + layout.ends[1 - end]!);
    if (up === undefined) throw new CheckpointError(`${path}: tensor ${quoted(stem + layout.ends[1 - end]!)} is missing`);
    if (end === 0) layers.set(stem.slice(layout.prefix.length), checked(path, { down, up, rank }));
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
  for (const { name, dtype, shape } of [layer.down, layer.up]) {
    if (!isFloat(dtype)) throw new CheckpointError(`${path}: tensor ${quoted(name)} is of ${dtype}, expected floating-point numbers`);
    if (shape.length !== 2) throw new CheckpointError(`${path}: tensor ${quoted(name)} has shape [${shape.join(", ")}], expected a matrix`);
  }
  return layer;
}

function readMlxLm(config: Json): { rank: number; scale: number } {
  expectField(config, "fine_tune_type", "lora");
  const parameters = config["lora_parameters"];
  if (!isObject(parameters)) throw new CheckpointError(`${CONFIG}: lora_parameters is missing`);
  const { rank, scale } = parameters as Json;
  return { rank: readRank(rank, "lora_parameters.rank"), scale: readNumber(scale, "lora_parameters.scale") };
}

function readPeft(config: Json): { rank: number; scale: number } {
  expectField(config, "peft_type", "LORA");
  expectField(config, "bias", "none");
  for (const field of ["use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "layer_replication"]) {
    const value = config[field];
    const isSet = isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
    if (isSet) throw new CheckpointError(`${CONFIG}: ${field} is not supported`);
  }
  const rank = readRank(config["r"], "r");
  return { rank, scale: readNumber(config["lora_alpha"], "lora_alpha") / (config["use_rslora"] === true ? Math.sqrt(rank) : rank) };
}

function expectField(config: Json, field: string, only: string): void {
  const value = config[field] ?? only;
  if (value !== only) throw new CheckpointError(`${CONFIG}: ${field} is ${JSON.stringify(value)}, supported: ${only}`);
}

function readRank(value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new CheckpointError(`${CONFIG}: ${field} is ${JSON.stringify(value) ?? "missing"}, not a positive integer`);
}

function readNumber(value: unknown, field: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new CheckpointError(`${CONFIG}: ${field} is ${JSON.stringify(value) ?? "missing"}, not a number`);
}
