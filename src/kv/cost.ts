// What the slabs of layer.ts will take for rows of given lengths, before they are made.
import type { RowsCost } from "../cache/ledger.ts";
import type { LayerLayout } from "../models/model.ts";
import { CAPACITY_STEP } from "./layer.ts";

/** Slots double when they grow; capacity is that of the longest row. */
export function rowsCost(layout: readonly LayerLayout[], bytesPerNumber: number): RowsCost {
  const perPosition = layout.reduce((sum, { kvHeads, headDim, valueDim }) => sum + kvHeads * (headDim + (valueDim ?? headDim)), 0) * bytesPerNumber;
  return (reading, drawing) => {
    const own = reading.reduce((sum, length) => sum + capacity(length), 0);
    const rows = reading.length + drawing.length;
    const slots = rows <= 1 ? 0 : 2 ** Math.ceil(Math.log2(rows)); // a lone row's buffers are adopted as they are
    const alone = rows === 1 ? drawing.reduce((sum, length) => sum + capacity(length), 0) : 0;
    return (own + alone + slots * capacity(Math.max(0, ...reading, ...drawing))) * perPosition;
  };
}

function capacity(length: number): number {
  return Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP;
}
