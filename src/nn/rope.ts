// Rotary positions as tensors: makeRope turns heads by the numbers that readRope found in a config.json.
import * as mx from "../mx/index.ts";
import type { HeadTurn, Tensor } from "../mx/index.ts";
import type { Batch } from "../models/model.ts";
import type { Weights } from "../weights/weights.ts";
import { plainWavelengths, type RopeSettings } from "./rope-config.ts";

/** Turns [B, heads, L, width] by the positions of a batch. */
export interface Rope {
  (x: Tensor, batch: Batch): Tensor;
  readonly turn?: HeadTurn; // the same for a kernel that does more at once; absent where there is none
}

export function makeRope(w: Weights, settings: RopeSettings): Rope {
  const byTable = ropeByTable(w, settings);
  if (mx.device() === "cpu") return byTable;
  const byKernel = ropeByKernel(w, settings);
  const rope = (x: Tensor, batch: Batch): Tensor => (batch.positions === undefined ? byKernel(x, batch) : mx.astype(byTable(x, batch), mx.dtype(x)));
  return !mx.ownKernels() || (settings.magnitude ?? 1) !== 1 ? rope : Object.assign(rope, { turn: headTurn(w, settings) });
}

function headTurn(w: Weights, { dims, scale, wavelengths, base, traditional = false }: RopeSettings): HeadTurn {
  const angles = (wavelengths ?? plainWavelengths({ dims, base })).map(wavelength => scale / wavelength);
  return { angles: w.constant(() => mx.fromArray(Float32Array.from(angles), [dims / 2])), dims, traditional };
}

function ropeByKernel(w: Weights, settings: RopeSettings): Rope {
  const { width, dims, base, scale, wavelengths, magnitude = 1, traditional = false } = settings;
  const freqs = wavelengths && w.constant(() => mx.fromArray(Float32Array.from(wavelengths), [wavelengths.length]));
  const how = freqs === undefined ? { base, scale, traditional } : { freqs, scale, traditional };
  if (magnitude === 1) return (x, batch) => mx.rope(x, dims, how, batch.offsets);
  const gain = perDim(w, width, i => (i < dims ? magnitude : 1));
  return (x, batch) => mx.rope(mx.multiply(x, mx.astype(gain, mx.dtype(x))), dims, how, batch.offsets);
}

/**
 * For MLX's CPU back end, which makes 28 primitives of each rope, and for positions that the kernel cannot be told: cosines and
 * sines are computed once for all layers of a step, and turning is x · cos + swapped(x) · ±sin, where swapped exchanges the two
 * dimensions of each pair. Dimensions behind `dims` have angle 0 and no sine.
 */
function ropeByTable(w: Weights, settings: RopeSettings): Rope {
  const { width, dims, scale, wavelengths = plainWavelengths(settings), magnitude = 1, traditional = false } = settings;
  const half = dims / 2;
  const pair = (i: number): number => (traditional ? i >> 1 : i % half);
  const isFirst = (i: number): boolean => (traditional ? i % 2 === 0 : i < half);
  const other = (i: number): number => (traditional ? i ^ 1 : (i + half) % dims);
  const angles = perDim(w, width, i => (i < dims ? scale / wavelengths[pair(i)]! : 0));
  const gain = perDim(w, width, i => (i < dims ? magnitude : 1));
  const signs = perDim(w, width, i => (i >= dims ? 0 : isFirst(i) ? -magnitude : magnitude));
  const swap = w.constant(() =>
    mx.fromArray(
      Int32Array.from({ length: width }, (_, i) => (i < dims ? other(i) : i)),
      [width],
    ),
  );
  let of: Batch | undefined; // the batch that the tables were made for; their tensors live in its scope
  let [cos, sin] = [angles, angles];
  return (x, batch) => {
    if (batch !== of) {
      const angle = mx.multiply(positions(batch), angles); // [B, 1, L, width]
      [of, cos, sin] = [batch, magnitude === 1 ? mx.cos(angle) : mx.multiply(mx.cos(angle), gain), mx.multiply(mx.sin(angle), signs)];
    }
    return mx.turn(x, cos, sin, swap);
  };
}

function perDim(w: Weights, width: number, value: (i: number) => number): Tensor {
  return w.constant(() =>
    mx.fromArray(
      Float32Array.from({ length: width }, (_, i) => value(i)),
      [width],
    ),
  );
}

/** [B, 1, L, 1] float32. */
export function positions({ offsets, rows, length, positions: given }: Batch): Tensor {
  if (given !== undefined) return mx.reshape(mx.astype(given, "float32"), [1, 1, length, 1]);
  const first = mx.reshape(mx.astype(offsets, "float32"), [rows, 1, 1, 1]);
  return length === 1 ? first : mx.add(first, mx.reshape(mx.arange(0, length, 1, "float32"), [1, 1, length, 1]));
}
