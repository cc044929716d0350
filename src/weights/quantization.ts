// How config.json says that matrices are packed. The same reading as mlx-lm's: a layer named in the settings is packed as they say,
// any other layer is packed when it has scales, with mode, bits and group size following from its shapes.
import type { Dtype, QuantMode } from "../mx/index.ts";
import { CheckpointError, quoted } from "./error.ts";
import { Fields } from "./fields.ts";

export interface Quantization {
  readonly bits: number;
  readonly groupSize: number;
  readonly mode: QuantMode;
}

const affineBits = [2, 3, 4, 5, 6, 8];
const affineGroups = [32, 64, 128];

/** Floating-point modes have one form each; their scales are bytes and there are no biases. */
const floatModes: readonly Quantization[] = [
  { mode: "mxfp4", bits: 4, groupSize: 32 },
  { mode: "mxfp8", bits: 8, groupSize: 32 },
  { mode: "nvfp4", bits: 4, groupSize: 16 },
];

/** What config.json says of layers by their full names: packed so, or left dense. */
export type LayerSettings = ReadonlyMap<string, Quantization | false>;

/** Reads "quantization", or "quantization_config" where only that is there. */
export function readQuantization(json: Readonly<Record<string, unknown>>): LayerSettings {
  const layers = new Map<string, Quantization | false>();
  const key = ["quantization", "quantization_config"].find(name => (json[name] ?? undefined) !== undefined);
  if (key === undefined) return layers;
  const fields = new Fields(json).object(key)!;
  const method = fields.text("quant_method");
  if (method === "fp8") checkBlocks(fields, json[key] as object);
  if (key === "quantization_config" && (method === "mxfp4" || method === "fp8")) return layers; // such layers are known by their scales
  if (key === "quantization_config" && method !== undefined)
    throw fields.error("quant_method", `is ${quoted(method)}, supported are mxfp4, fp8 and checkpoints quantized for MLX`);
  const whole = readOne(fields);
  for (const [name, value] of Object.entries(json[key] as object)) {
    if (typeof value === "boolean") layers.set(name, value && whole);
    else if (typeof value === "object" && value !== null) layers.set(name, readOne(fields.object(name)!));
  }
  return layers;
}

/** Whether MLX packs matrices so. */
export function supportedQuantization({ bits, groupSize, mode }: Quantization): boolean {
  if (mode === "affine") return affineBits.includes(bits) && affineGroups.includes(groupSize);
  return floatModes.some(one => one.mode === mode && one.bits === bits && one.groupSize === groupSize);
}

/** The packing that follows from the widths of a weight and its scales, when it is a supported one. */
export function inferQuantization(where: string, inputs: number, words: number, groups: number, scales: Dtype): Quantization {
  const [bits, groupSize] = [(words * 32) / inputs, inputs / groups];
  const mode = scales === "uint8" ? floatModes.find(one => one.bits === bits && one.groupSize === groupSize) : undefined;
  if (mode !== undefined) return mode;
  if (scales === "uint8" || !affineBits.includes(bits) || !affineGroups.includes(groupSize))
    throw new CheckpointError(`${where} is packed as ${bits} bits, group size ${groupSize}; supported are ${supported()}`);
  return { bits, groupSize, mode: "affine" };
}

/** How a packing is called in short: "8-bit group 64", "4-bit mxfp4". */
export function describeQuantization({ bits, groupSize, mode }: Quantization): string {
  return mode === "affine" ? `${bits}-bit group ${groupSize}` : `${bits}-bit ${mode}`;
}

/** The scales of fp8 checkpoints stand for squares of 128 numbers. */
function checkBlocks(fields: Fields, json: object): void {
  const blocks = "weight_block_size" in json ? json.weight_block_size : undefined;
  if (JSON.stringify(blocks ?? [128, 128]) !== "[128,128]")
    throw fields.error("weight_block_size", `is ${JSON.stringify(blocks)}, supported: [128,128]`);
}

function readOne(fields: Fields): Quantization {
  fields.expect("mode", "affine", ...floatModes.map(({ mode }) => mode));
  const float = floatModes.find(({ mode }) => mode === fields.text("mode"));
  const bits = fields.count("bits", float?.bits ?? 4);
  const groupSize = fields.count("group_size", float?.groupSize ?? 64);
  if (!(float === undefined ? affineBits : [float.bits]).includes(bits)) throw fields.error("bits", `is ${bits}; supported are ${supported()}`);
  if (!(float === undefined ? affineGroups : [float.groupSize]).includes(groupSize))
    throw fields.error("group_size", `is ${groupSize}; supported are ${supported()}`);
  return { bits, groupSize, mode: float?.mode ?? "affine" };
}

function supported(): string {
  const floats = floatModes.map(({ mode, groupSize }) => `${mode} in groups of ${groupSize}`);
  return [`${affineBits.join(", ")} bits in groups of ${affineGroups.join(", ")}`, ...floats].join("; ");
}
