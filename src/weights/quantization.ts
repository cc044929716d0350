// How config.json says that matrices are packed. The same reading as mlx-lm's: a layer named in the settings is packed as they say,
// any other layer is packed when it has scales, with bits and group size following from its shapes.
import { CheckpointError, quoted } from "./error.ts";
import { Fields } from "./fields.ts";

export interface Quantization {
  readonly bits: number;
  readonly groupSize: number;
}

const supportedBits = [2, 3, 4, 5, 6, 8];
const supportedGroups = [32, 64, 128];

/** What config.json says of layers by their full names: packed so, or left dense. */
export type LayerSettings = ReadonlyMap<string, Quantization | false>;

/** Reads "quantization", or "quantization_config" where only that is there. */
export function readQuantization(json: Readonly<Record<string, unknown>>): LayerSettings {
  const layers = new Map<string, Quantization | false>();
  const key = ["quantization", "quantization_config"].find(name => (json[name] ?? undefined) !== undefined);
  if (key === undefined) return layers;
  const fields = new Fields(json).object(key)!;
  const method = fields.text("quant_method");
  if (key === "quantization_config" && method !== undefined)
    throw fields.error("quant_method", `is ${quoted(method)}, supported are checkpoints quantized for MLX`);
  const whole = readOne(fields);
  for (const [name, value] of Object.entries(json[key] as object)) {
    if (typeof value === "boolean") layers.set(name, value && whole);
    else if (typeof value === "object" && value !== null) layers.set(name, readOne(fields.object(name)!));
  }
  return layers;
}

/** The packing that follows from the widths of a weight and its scales, when it is a supported one. */
export function inferQuantization(where: string, inputs: number, words: number, groups: number): Quantization {
  const [bits, groupSize] = [(words * 32) / inputs, inputs / groups];
  if (!supportedBits.includes(bits) || !supportedGroups.includes(groupSize))
    throw new CheckpointError(`${where} is packed as ${bits} bits, group size ${groupSize}; supported are ${supported()}`);
  return { bits, groupSize };
}

function readOne(fields: Fields): Quantization {
  fields.expect("mode", "affine");
  const bits = fields.count("bits", 4);
  const groupSize = fields.count("group_size", 64);
  if (!supportedBits.includes(bits)) throw fields.error("bits", `is ${bits}; supported are ${supported()}`);
  if (!supportedGroups.includes(groupSize)) throw fields.error("group_size", `is ${groupSize}; supported are ${supported()}`);
  return { bits, groupSize };
}

function supported(): string {
  return `${supportedBits.join(", ")} bits in groups of ${supportedGroups.join(", ")}`;
}
