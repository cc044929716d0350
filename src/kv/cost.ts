// What the slabs of layer.ts and the states of recurrent.ts will take for rows of given lengths, before they are made.
import type { RowsCost } from "../cache/ledger.ts";
import type { LayerLayout, StateLayout } from "../models/model.ts";
import { itemSize } from "../mx/index.ts";
import { CAPACITY_STEP } from "./layer.ts";
import { isRecurrent } from "./recurrent.ts";

/** Slots double when they grow; capacity is that of the longest row. States do not grow: a row that is read has its own, and a place among all. */
export function rowsCost(layout: readonly LayerLayout[], bytesPerNumber: number): RowsCost {
  const perPosition = sum(layout, one => (isRecurrent(one) ? 0 : one.kvHeads * (one.headDim + (one.valueDim ?? one.headDim)))) * bytesPerNumber;
  const perRow = sum(layout, one => (isRecurrent(one) ? sum(one.states, state => stateBytes(state, bytesPerNumber)) : 0));
  return (reading, drawing) => {
    const own = reading.reduce((sum, length) => sum + capacity(length), 0);
    const rows = reading.length + drawing.length;
    const slots = rows <= 1 ? 0 : 2 ** Math.ceil(Math.log2(rows)); // a lone row's buffers are adopted as they are
    const alone = rows === 1 ? drawing.reduce((sum, length) => sum + capacity(length), 0) : 0;
    const states = (rows + reading.length) * perRow;
    return (own + alone + slots * capacity(Math.max(0, ...reading, ...drawing))) * perPosition + states;
  };
}

function capacity(length: number): number {
  return Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP;
}

function stateBytes({ shape, dtype }: StateLayout, bytesPerNumber: number): number {
  return shape.reduce((product, n) => product * n, dtype === undefined ? bytesPerNumber : itemSize(dtype));
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
