// Rotary positions. How a config.json stretches them is read into numbers first (readRope), tensors come after (makeRope).
// A new kind of stretching is one function here and one line in `kinds`.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Batch } from "../models/model.ts";
import type { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";

/** Turns [B, heads, L, headDim] by the positions of a batch. */
export type Rope = (x: Tensor, batch: Batch) => Tensor;

export interface RopeSettings {
  readonly dims: number; // leading dimensions of a head that are turned
  readonly base: number;
  readonly scale: number; // positions are multiplied by this
  readonly wavelengths?: readonly number[]; // of each pair, in positions per radian; instead of those that follow from base
}

interface Plain {
  readonly dims: number;
  readonly base: number;
}

type Kind = (plain: Plain, scaling: Fields) => RopeSettings;

const kinds: Readonly<Record<string, Kind>> = {
  default: plain => ({ ...plain, scale: 1 }),
  linear: (plain, scaling) => ({ ...plain, scale: 1 / scaling.positive("factor") }),
  llama3,
};

/** Reads rope_theta and rope_scaling, or rope_parameters, where newer configs keep both. */
export function readRope(c: Fields, dims: number, defaultBase?: number): RopeSettings {
  if (dims % 2 !== 0) throw c.error("head_dim", `is ${dims}, not an even number`);
  const parameters = c.object("rope_parameters");
  const scaling = c.object("rope_scaling") ?? parameters;
  const base =
    c.has("rope_theta") || parameters === undefined ? c.positive("rope_theta", defaultBase) : parameters.positive("rope_theta", defaultBase);
  if (scaling === undefined) return kinds.default!({ dims, base }, c);
  const key = scaling.has("type") ? "type" : "rope_type";
  scaling.expect(key, ...Object.keys(kinds));
  return kinds[scaling.text(key, "default")]!({ dims, base }, scaling);
}

export function makeRope(w: Weights, settings: RopeSettings): Rope {
  if (mx.device() === "cpu") return ropeByTable(w, settings);
  const { dims, base, scale, wavelengths } = settings;
  if (wavelengths === undefined) return (x, batch) => mx.rope(x, dims, { base, scale }, batch.offsets);
  const freqs = w.constant(() => mx.fromArray(Float32Array.from(wavelengths), [wavelengths.length]));
  return (x, batch) => mx.rope(x, dims, { freqs, scale }, batch.offsets);
}

/**
 * For MLX's CPU back end, which makes 28 primitives of each rope: cosines and sines are computed once for all layers of a
 * step, and turning is x · cos + swapped(x) · ±sin, where swapped exchanges the halves of a head.
 */
function ropeByTable(w: Weights, settings: RopeSettings): Rope {
  const { dims, scale, wavelengths = plainWavelengths(settings) } = settings;
  const half = dims / 2;
  const perDim = (value: (i: number) => number): Float32Array => Float32Array.from({ length: dims }, (_, i) => value(i));
  const angles = w.constant(() =>
    mx.fromArray(
      perDim(i => scale / wavelengths[i % half]!),
      [dims],
    ),
  );
  const signs = w.constant(() =>
    mx.fromArray(
      perDim(i => (i < half ? -1 : 1)),
      [dims],
    ),
  );
  const swap = w.constant(() => mx.fromArray(Int32Array.from(perDim(i => (i + half) % dims)), [dims]));
  let of: Batch | undefined; // the batch that the tables were made for; their tensors live in its scope
  let [cos, sin] = [angles, angles];
  return (x, batch) => {
    if (batch !== of) {
      const angle = mx.multiply(positions(batch), angles); // [B, 1, L, dims]
      [of, cos, sin] = [batch, mx.cos(angle), mx.multiply(mx.sin(angle), signs)];
    }
    return mx.add(mx.multiply(x, cos), mx.multiply(mx.take(x, swap, -1), sin));
  };
}

/** [B, 1, L, 1] float32. */
function positions({ offsets, rows, length }: Batch): Tensor {
  const first = mx.reshape(mx.astype(offsets, "float32"), [rows, 1, 1, 1]);
  return length === 1 ? first : mx.add(first, mx.reshape(mx.arange(0, length, 1, "float32"), [1, 1, length, 1]));
}

/** Llama 3: long waves are stretched by factor, short ones stay, those between are blended. */
function llama3(plain: Plain, scaling: Fields): RopeSettings {
  const factor = scaling.positive("factor");
  const [low, high] = [scaling.positive("low_freq_factor", 1), scaling.positive("high_freq_factor", 4)];
  const trained = scaling.positive("original_max_position_embeddings", 8192);
  if (high <= low) throw scaling.error("high_freq_factor", "is not greater than low_freq_factor");
  const wavelengths = plainWavelengths(plain).map(wavelength => {
    const turns = trained / (2 * Math.PI * wavelength); // of this pair over the trained context
    if (turns < low) return wavelength * factor;
    if (turns > high) return wavelength;
    const keep = (turns - low) / (high - low);
    return wavelength / ((1 - keep) / factor + keep);
  });
  return { ...plain, scale: 1, wavelengths };
}

function plainWavelengths({ dims, base }: Plain): number[] {
  return Array.from({ length: dims / 2 }, (_, i) => base ** ((2 * i) / dims));
}
