// What the slabs of layer.ts and the states of recurrent.ts will take for rows of given lengths, before they are made.
import type { RowsCost } from "../cache/ledger.ts";
import type { AttentionLayout, LayerLayout, StateLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import { isRecurrent } from "./recurrent.ts";
import { CAPACITY_STEP } from "./slab.ts";
import { spanOf } from "./span.ts";

/** Slots double when they grow; capacity is that of the longest row. States do not grow: a row that is read has its own, and a place among all. */
export function rowsCost(layout: readonly LayerLayout[], bytesPerNumber: number, backend = mx.backend()): RowsCost {
  const perSlot = (length: number) => sum(layout, one => (isRecurrent(one) ? 0 : slotBytes(one, spanOf(length, backend), bytesPerNumber)));
  const perRow = sum(layout, one => (isRecurrent(one) ? sum(one.states, state => stateBytes(state, bytesPerNumber)) : 0));
  return (reading, drawing) => {
    const own = sum(reading, perSlot);
    const rows = reading.length + drawing.length;
    const slots = rows <= 1 ? 0 : 2 ** Math.ceil(Math.log2(rows)); // a lone row's buffers are adopted as they are
    const alone = rows === 1 ? sum(drawing, perSlot) : 0;
    const states = (rows + reading.length) * perRow;
    return own + alone + slots * perSlot(Math.max(0, ...reading, ...drawing)) + states;
  };
}

/** What one slot of a layer takes when it holds so many positions. */
function slotBytes({ kvHeads, headDim, valueDim, quantized }: AttentionLayout, length: number, bytesPerNumber: number): number {
  const numbers = kvHeads * (headDim + (valueDim ?? headDim));
  if (quantized === undefined) return capacity(length) * numbers * bytesPerNumber;
  const { bits, groupSize, from } = quantized;
  const exact = from === 0 ? 0 : capacity(Math.min(length, from + 1)); // one more, for rows of different lengths
  const packed = capacity(Math.max(0, length - from));
  return exact * numbers * bytesPerNumber + packed * numbers * (bits / 8 + (2 * bytesPerNumber) / groupSize); // with scales and biases
}

function capacity(length: number): number {
  return Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP;
}

function stateBytes({ shape, dtype }: StateLayout, bytesPerNumber: number): number {
  return shape.reduce((product, n) => product * n, dtype === undefined ? bytesPerNumber : mx.itemSize(dtype));
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
