// Writes a checkpoint again in MLX's layout: names and shapes as the family reads them, matrices packed or not, in files of bounded size.
// mlx-lm reads the result. Tensors are read, packed and written file by file, so that memory holds one file at a time.
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";
import { CheckpointError } from "../weights/error.ts";
import type { PackingRequest } from "../weights/packing.ts";
import { describeQuantization, type Quantization } from "../weights/quantization.ts";
import { isFloat } from "../weights/store.ts";
import { Weights } from "../weights/weights.ts";
import { choosePacking, readCheckpoint, type Checkpoint } from "./load.ts";

export interface ConvertOptions {
  readonly packing?: PackingRequest | undefined; // matrices stay as they are without it
  readonly dtype?: Dtype | undefined; // of floating-point numbers; as stored without it
  readonly fileBytes?: number; // a file is closed when it would grow beyond
}

export interface Converted {
  readonly files: number;
  readonly bytes: number; // of tensors
  readonly quantization: string;
  readonly unread: readonly string[]; // tensors of the source that the family has no use for, and that are not written
}

const FILE_BYTES = 4 * 2 ** 30;

/** `output` is new and whole afterwards, or not there. Throws CheckpointError. */
export function convertModel(folder: string, output: string, options: ConvertOptions): Converted {
  if (existsSync(output) && (!statSync(output).isDirectory() || readdirSync(output).length > 0))
    throw new CheckpointError(`${output} is there already; name a new folder`);
  const checkpoint = readCheckpoint(folder);
  const parent = dirname(resolve(output));
  mkdirSync(parent, { recursive: true });
  const made = mkdtempSync(join(parent, `.${basename(resolve(output))}-`));
  try {
    const converted = writeTensors(checkpoint, folder, made, options);
    copyOthers(folder, made);
    rmSync(output, { recursive: true, force: true });
    renameSync(made, output);
    return converted;
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    throw error;
  }
}

function writeTensors(checkpoint: Checkpoint, folder: string, made: string, options: ConvertOptions): Converted {
  const { config, settings, tensors, build } = checkpoint;
  const { dtype, fileBytes = FILE_BYTES } = options;
  const packing = options.packing && choosePacking({ ...options.packing, dtype }, config);
  return mx.scope(() => {
    const weights = Weights.open(folder, tensors, settings, { turned: false, records: true, packing });
    try {
      build(weights);
      const unread = weights.finish();
      const { quantization, packed } = weights;
      const taken = weights.takeRecorded();
      const files = divide(taken, fileBytes);
      const bytes = [...taken.values()].reduce((sum, tensor) => sum + mx.byteSize(tensor), 0);
      const names = files.map((_, i) => (files.length === 1 ? "model.safetensors" : `model-${number(i + 1)}-of-${number(files.length)}.safetensors`));
      files.forEach((file, i) => writeFile(join(made, names[i]!), file, dtype));
      const map = Object.fromEntries(files.flatMap((file, i) => file.map(([name]) => [name, names[i]!] as const)));
      write(made, "model.safetensors.index.json", { metadata: { total_size: bytes, total_parameters: weights.parameters }, weight_map: map });
      write(made, "config.json", toConfig(config, packed, dtype));
      return new Result(files.length, bytes, quantization, unread);
    } finally {
      weights.release();
    }
  });
}

/** A class, so that the scope it is made in does not take its numbers for tensors. */
class Result implements Converted {
  constructor(
    readonly files: number,
    readonly bytes: number,
    readonly quantization: string,
    readonly unread: readonly string[],
  ) {}
}

type Entry = readonly [name: string, tensor: Tensor];

function divide(tensors: ReadonlyMap<string, Tensor>, most: number): Entry[][] {
  const files: Entry[][] = [[]];
  let size = 0;
  for (const entry of tensors) {
    const bytes = mx.byteSize(entry[1]);
    if (size > 0 && size + bytes > most) {
      files.push([]);
      size = 0;
    }
    files.at(-1)!.push(entry);
    size += bytes;
  }
  return files;
}

/** Writes the tensors and gives them back. */
function writeFile(path: string, entries: readonly Entry[], dtype: Dtype | undefined): void {
  mx.scope(() => {
    const typed = (tensor: Tensor) => (dtype !== undefined && isFloat(mx.dtype(tensor)) ? mx.astype(tensor, dtype) : tensor);
    mx.saveSafetensors(path, new Map(entries.map(([name, tensor]) => [name, typed(tensor)])), { format: "mlx" });
  });
  for (const [, tensor] of entries) mx.release(tensor);
  mx.clearCache();
}

function number(n: number): string {
  return String(n).padStart(5, "0");
}

function write(folder: string, file: string, json: object): void {
  writeFileSync(join(folder, file), `${JSON.stringify(json, null, 2)}\n`);
}

/** config.json as mlx-lm writes it: how most matrices are packed, and by name how the others are. */
function toConfig(config: Readonly<Record<string, unknown>>, packed: ReadonlyMap<string, Quantization>, dtype: Dtype | undefined): object {
  const { quantization: _, quantization_config: __, ...rest } = config;
  const typed = dtype === undefined ? rest : { ...rest, torch_dtype: dtype };
  const whole = commonest([...packed.values()]);
  if (whole === undefined) return typed;
  const others = [...packed].filter(([, one]) => describeQuantization(one) !== describeQuantization(whole));
  const settings = { ...toJson(whole), ...Object.fromEntries(others.map(([name, one]) => [name, toJson(one)])) };
  return { ...typed, quantization: settings, quantization_config: settings };
}

function commonest(all: readonly Quantization[]): Quantization | undefined {
  const groups = [...Map.groupBy(all, describeQuantization).values()];
  return groups.toSorted((a, b) => b.length - a.length)[0]?.[0];
}

function toJson({ groupSize, bits, mode }: Quantization): object {
  return { group_size: groupSize, bits, mode };
}

/** Tokenizer, templates, settings of generation: all that is no weights. */
function copyOthers(from: string, to: string): void {
  const weights = /\.(safetensors|bin|pt|pth|gguf|onnx|h5|msgpack|npz)$|\.index\.json$|^config\.json$|^\./;
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (weights.test(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (statSync(source).isDirectory()) cpSync(source, target, { recursive: true, dereference: true, filter: path => !weights.test(basename(path)) });
    else copyFileSync(source, target);
  }
}
