// How many positions a pass's attention looks over: as many as the longest row holds, or more, which masks then hide.
import type { Backend } from "../mx/index.ts";
import { CAPACITY_STEP } from "./slab.ts";

const PARTS = 8; // of an octave

/**
 * MLX's CUDA back end plans attention and products anew for every length it meets, which takes longer than a step. So lengths
 * go up there in steps of 256, or an eighth of a power of two where that is more.
 */
export function spanOf(longest: number, backend: Backend): number {
  if (backend !== "cuda") return longest;
  const step = Math.max(CAPACITY_STEP, 2 ** Math.floor(Math.log2(longest)) / PARTS);
  return Math.ceil(longest / step) * step;
}
