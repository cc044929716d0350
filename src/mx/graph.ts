// What MLX will compute: the primitives of a graph that is not evaluated yet. For counting kernels.

import { c, code, list, type Tensor } from "./ffi.ts";

/** How often each primitive occurs in the graph under these tensors. */
export function primitives(ts: readonly Tensor[]): Map<string, number> {
  const text = new Uint8Array(8 << 20);
  const length = code(c.mxs_graph(list(ts), text, text.byteLength));
  const counts = new Map<string, number>();
  for (const [, name] of new TextDecoder().decode(text.subarray(0, length)).matchAll(/label ?="([^"]+)", shape=rectangle/g)) {
    counts.set(name!, (counts.get(name!) ?? 0) + 1);
  }
  return counts;
}
