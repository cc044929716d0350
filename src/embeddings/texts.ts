// Texts of one step side by side: all their ids lie in one row, so that no place is padded and every product over positions is one
// product. Only attention knows where a text ends. A text's numbers do not depend on its neighbours: on the CPU back end, bit for bit.
//
//   row      | a a a | b b b | c c | d d | e |      texts by length, longest first
//   groups   |   2 × 3       |  2 × 2    | 1 × 1    what attention computes together
import { attend } from "../kv/attend.ts";
import type { AttendOptions, Batch, LayerKv, LayerLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { EncodeText } from "../engine/protocol.ts";

/** Texts of equal length that lie one behind the other. */
export interface Group {
  readonly start: number; // of the first text in the row
  readonly rows: number;
  readonly length: number;
}

/** A step's texts in one row of T ids. Its tensors live in the scope that it was packed in. */
export class Packed {
  readonly ids: Tensor; // [1, T] uint32
  readonly segments: Tensor; // [1, T] uint32
  readonly groups: readonly Group[];
  readonly batch: Batch & { readonly positions: Tensor };
  private readonly masks = new Map<string, Tensor>();

  /** Throws unless every text has ids; `texts` are sorted by length, longest first. */
  constructor(texts: readonly EncodeText[]) {
    const total = texts.reduce((sum, { ids }) => sum + ids.length, 0);
    const [ids, segments, positions] = [new Uint32Array(total), new Uint32Array(total), new Int32Array(total)];
    let at = 0;
    for (const text of texts) {
      ids.set(text.ids, at);
      if (text.segments !== undefined) segments.set(text.segments, at);
      for (let i = 0; i < text.ids.length; i++) positions[at + i] = i;
      at += text.ids.length;
    }
    this.ids = mx.fromArray(ids, [1, total]);
    this.segments = mx.fromArray(segments, [1, total]);
    this.groups = groupsOf(texts.map(text => text.ids.length));
    const offsets = mx.zeros([1], "int32");
    this.batch = { rows: 1, length: total, offsets, positions: mx.fromArray(positions, [total]) };
  }

  /** Which keys [L] each query [L] of a text sees, as attention takes it. */
  mask(length: number, sight: Sight): Tensor | "causal" | undefined {
    const { causal, reach = Infinity } = sight;
    if (reach >= length) return causal ? "causal" : undefined;
    const key = `${length} ${causal} ${reach}`;
    const known = this.masks.get(key);
    if (known !== undefined) return known;
    const near = mx.tril(mx.triu(mx.ones([length, length], "uint8"), -(reach - 1)), causal ? 0 : reach - 1);
    const mask = mx.astype(near, "bool");
    this.masks.set(key, mask);
    return mask;
  }

  /** [1, heads, T, D] of each group as [rows, heads, length, D], through `change`, back in one row. */
  each(parts: readonly Tensor[], change: (parts: readonly Tensor[], group: Group) => Tensor): Tensor {
    const changed = this.groups.map(group => {
      const { start, rows, length } = group;
      const open = (part: Tensor): Tensor => {
        const [, heads, , width] = mx.shape(part) as [number, number, number, number];
        const own = this.groups.length === 1 ? part : mx.sliceAxis(part, 2, start, start + rows * length);
        return rows === 1 ? own : mx.swapaxes(mx.reshape(own, [heads, rows, length, width]), 0, 1);
      };
      const out = change(parts.map(open), group);
      const [, heads, , width] = mx.shape(out) as [number, number, number, number];
      return rows === 1 ? out : mx.reshape(mx.swapaxes(out, 0, 1), [1, heads, rows * length, width]);
    });
    return changed.length === 1 ? changed[0]! : mx.concatenate(changed, 2);
  }
}

/** How far a position looks: only back where `causal`, and at positions less than `reach` away. */
export interface Sight {
  readonly causal: boolean;
  readonly reach?: number;
}

/** The attention of texts, in the form in which decoders ask for it. Nothing is stored. */
export class TextAttention implements LayerKv {
  constructor(
    private readonly texts: Packed,
    private readonly sight: Sight,
  ) {}

  attend(queries: Tensor, keys: Tensor, values: Tensor, _batch: Batch, options: AttendOptions): Tensor {
    return this.texts.each([queries, keys, values], ([q, k, v], { length }) => attend(q!, k!, v!, this.texts.mask(length, this.sight), options));
  }

  look(): Tensor {
    throw new Error("texts are read whole: an encoder has no layers that share what others keep");
  }

  carry(): Tensor {
    throw new Error("texts are read whole: an encoder has no layers that carry states");
  }
}

/** What the layers of a decoder see of texts; without `causal` a window reaches to both sides as far as it says. */
export function decoderAttention(texts: Packed, layout: readonly LayerLayout[], causal: boolean): LayerKv[] {
  return layout.map(layer => {
    const reach = "window" in layer ? layer.window : undefined;
    return new TextAttention(texts, reach === undefined ? { causal } : { causal, reach });
  });
}

function groupsOf(lengths: readonly number[]): Group[] {
  const groups: { start: number; rows: number; length: number }[] = [];
  let start = 0;
  for (const length of lengths) {
    const last = groups.at(-1);
    if (last?.length === length) last.rows += 1;
    else groups.push({ start, rows: 1, length });
    start += length;
  }
  return groups;
}
