// What the slabs of layer.ts and the states of recurrent.ts will take for rows of given lengths, before they are made.
import type { RowsCost } from "../cache/ledger.ts";
import type { AttentionLayout, LayerLayout, StateLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import { BAND_SIZES, rowsIn, sizeOf, slotsFor, type BandSizes } from "./band-sizes.ts";
import { isRecurrent } from "./recurrent.ts";
import { capacityFor } from "./slab.ts";
import { spanOf } from "./span.ts";

interface Circumstances {
  readonly sizes?: BandSizes;
  readonly backend?: mx.Backend;
}

/** The slots of a band are as long as its longest row. States do not grow: a row that is read has its own, and a place among all. */
export function rowsCost(
  layout: readonly LayerLayout[],
  bytesPerNumber: number,
  { sizes = BAND_SIZES, backend = mx.backend() }: Circumstances = {},
): RowsCost {
  const perSlot = (length: number) => sum(layout, one => (isRecurrent(one) ? 0 : slotBytes(one, spanOf(length, backend), bytesPerNumber)));
  const perRow = sum(layout, one => (isRecurrent(one) ? sum(one.states, state => stateBytes(state, bytesPerNumber)) : 0));
  return (reading, drawing) => {
    const bands = Map.groupBy([...reading, ...drawing], length => sizeOf(length, sizes));
    const kv = sum([...bands], ([size, lengths]) => {
      if (lengths.length === 1 || size === Infinity) return sum(lengths, perSlot); // the buffers that a row was read into become its band
      const joining = reading.filter(length => sizeOf(length, sizes) === size);
      return sum(joining, perSlot) + slotsOf(lengths.length, rowsIn(size, sizes)) * perSlot(Math.max(...lengths));
    });
    return kv + (drawing.length + 2 * reading.length) * perRow;
  };
}

/** Of as many bands as rows of one size need; when there are several, each may be full. */
function slotsOf(rows: number, most: number): number {
  return rows <= most ? slotsFor(rows) : Math.ceil(rows / most) * most;
}

/** What one slot of a layer takes when it holds so many positions. */
function slotBytes({ kvHeads, headDim, valueDim, quantized }: AttentionLayout, length: number, bytesPerNumber: number): number {
  const numbers = kvHeads * (headDim + (valueDim ?? headDim));
  if (quantized === undefined) return capacityFor(length) * numbers * bytesPerNumber;
  const { bits, groupSize, from } = quantized;
  const exact = from === 0 ? 0 : capacityFor(Math.min(length, from + 1)); // one more, for rows of different lengths
  const packed = capacityFor(Math.max(0, length - from));
  return exact * numbers * bytesPerNumber + packed * numbers * (bits / 8 + (2 * bytesPerNumber) / groupSize); // with scales and biases
}

function stateBytes({ shape, dtype }: StateLayout, bytesPerNumber: number): number {
  return shape.reduce((product, n) => product * n, dtype === undefined ? bytesPerNumber : mx.itemSize(dtype));
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
