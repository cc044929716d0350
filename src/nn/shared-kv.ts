// Attention of Gemma 3n and Gemma 4: values are normed too, products are not scaled, and the last layers have no keys and values of
// their own: each looks at those of the last layer of its kind that has some.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { LayerLayout } from "../models/model.ts";
import type { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import { byHead, byPosition, headNorm, type Attention, type AttentionConfig } from "./attention.ts";
import type { Rope } from "./rope.ts";
import type { Windows } from "./shape.ts";

export interface SharedKvConfig extends AttentionConfig {
  readonly eps: number;
  readonly ownsKv: boolean;
  readonly keysAreValues?: boolean; // before their norm: there is no projection to values
}

/** The layer whose keys and values each layer looks at: all but the last num_kv_shared_layers have their own. */
export function readKvOwners(c: Fields, windows: Windows, fallback?: number): readonly number[] {
  const [layers, shared] = [windows.length, c.whole("num_kv_shared_layers", fallback)];
  if (shared >= layers) throw c.error("num_kv_shared_layers", `is ${shared}, and there are ${layers} layers`);
  const owning = windows.slice(0, layers - shared);
  return windows.map((window, layer) => {
    const owner = layer < owning.length ? layer : owning.lastIndexOf(window);
    if (owner === -1) throw c.error("layer_types", `has no layer before ${owning.length} whose keys and values layer ${layer} can share`);
    return owner;
  });
}

/** A layer without keys and values of its own keeps nothing. */
export function sharedKvLayout({ kvHeads, headDim }: Pick<AttentionConfig, "kvHeads" | "headDim">, ownsKv: boolean, window?: number): LayerLayout {
  return ownsKv ? { kvHeads, headDim, ...(window === undefined ? {} : { window }) } : { states: [] };
}

/** `kv` is that of the layer's owner. */
export function sharedKvAttention(w: Weights, c: SharedKvConfig, rope: Rope): Attention {
  const { heads, headDim, hidden, attentionBias } = c;
  const find = c.ownsKv ? ownKv(w, c, rope) : othersKv(w, c, rope);
  const output = w.linear("o_proj", heads * headDim, hidden, attentionBias);
  return (x, batch, kv) => output(byPosition(find(x, batch, kv), batch, heads * headDim));
}

const options = { scale: 1 };

function ownKv(w: Weights, c: SharedKvConfig, rope: Rope): Attention {
  const { hidden, heads, kvHeads, headDim, eps, keysAreValues = false, attentionBias } = c;
  const [both, width] = [heads + kvHeads, kvHeads * headDim];
  const outputs = { q_proj: heads * headDim, k_proj: width, ...(keysAreValues ? {} : { v_proj: width }) };
  const [project, norm] = [w.joined(hidden, outputs, attentionBias), headNorm(w, c, eps)];
  const [from, all] = keysAreValues ? [heads, both] : [both, both + kvHeads];
  return (x, batch, kv) => {
    const projected = byHead(project(x), batch, all, headDim); // [B, all, L, headDim]
    const turned = rope(norm(mx.sliceAxis(projected, 1, 0, both)), batch);
    const values = mx.rmsNorm(mx.sliceAxis(projected, 1, from, all), undefined, eps);
    return kv.attend(mx.sliceAxis(turned, 1, 0, heads), mx.sliceAxis(turned, 1, heads, both), values, batch, options);
  };
}

function othersKv(w: Weights, { hidden, heads, headDim, eps, attentionBias }: SharedKvConfig, rope: Rope): Attention {
  for (const unused of ["k_proj", "v_proj", "k_norm"]) w.at(unused).skipAll();
  const [project, norm] = [w.linear("q_proj", hidden, heads * headDim, attentionBias), w.rmsNorm("q_norm", headDim, eps)];
  return (x, batch, kv): Tensor => kv.look(rope(norm(byHead(project(x), batch, heads, headDim)), batch), batch, options);
}
