// How dense matrices are packed while they are read: by bits or by the name of a floating-point mode, all alike or by a recipe.
import type { Dtype } from "../mx/index.ts";
import { supportedQuantization, type Quantization } from "./quantization.ts";

export interface Packing {
  readonly whole: Quantization; // of most matrices
  readonly dtype: Dtype | undefined; // that matrices are turned into before; as stored without it
  /** Undefined for a matrix that stays dense. */
  readonly of: (path: string, inputs: number) => Quantization | undefined;
}

/** Few bits, and more of them for the matrices that lose most by it, as llama.cpp's K-quants choose them. */
const recipes: Readonly<Record<string, readonly [low: number, high: number]>> = {
  mixed_2_6: [2, 6],
  mixed_3_4: [3, 4],
  mixed_3_6: [3, 6],
  mixed_4_6: [4, 6],
};

const floatGroups: Readonly<Record<string, readonly [bits: number, groupSize: number]>> = { mxfp4: [4, 32], mxfp8: [8, 32], nvfp4: [4, 16] };

export const packingNames = ["2", "3", "4", "5", "6", "8", ...Object.keys(floatGroups), ...Object.keys(recipes)] as const;

/** Routers decide by small differences and cost nothing: they stay as they are. */
const DENSE = /(^|\.)(gate|router|router\.(layer|proj)|shared_expert_gate)$/;

export interface PackingRequest {
  readonly name: string; // one of packingNames
  readonly groupSize?: number | undefined; // of bits and recipes; 64 without it
  readonly dtype?: Dtype | undefined;
}

/** Undefined when MLX packs nothing so. `layers` is how many the model has. */
export function makePacking({ name, groupSize = 64, dtype }: PackingRequest, layers: number): Packing | undefined {
  const float = Object.hasOwn(floatGroups, name) ? floatGroups[name] : undefined;
  const [low, high] = float !== undefined ? [float[0], float[0]] : Object.hasOwn(recipes, name) ? recipes[name]! : [Number(name), Number(name)];
  const one = (bits: number): Quantization =>
    float === undefined ? { bits, groupSize, mode: "affine" } : ({ bits, groupSize: float[1], mode: name } as Quantization);
  const whole = one(low);
  if (!supportedQuantization(whole)) return undefined;
  const of = (path: string, inputs: number) => {
    if (inputs % whole.groupSize !== 0 || DENSE.test(path)) return undefined;
    return high !== low && deservesMore(path, layers) ? one(high) : whole;
  };
  return { whole, dtype, of };
}

/** Bits of a packed number with its share of scale and bias. */
export function bitsOf(request: PackingRequest): number {
  const { bits, groupSize, mode } = makePacking(request, 1)?.whole ?? { bits: 16, groupSize: 64, mode: "affine" };
  return bits + (mode === "affine" ? 32 : 8) / groupSize;
}

/** Values and outputs of MLPs in the first and the last eighth of the layers and in every third between, and the last projection. */
function deservesMore(path: string, layers: number): boolean {
  if (/(^|\.)(lm_head|output)$/.test(path)) return true;
  if (!/(v_proj|v_a_proj|v_b_proj|down_proj)$/.test(path)) return false;
  const layer = Number(/(?:^|\.)layers\.(\d+)\./.exec(path)?.[1] ?? 0);
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}
