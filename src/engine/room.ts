// Whether a checkpoint fits, asked before anything of it is read: a system that is out of memory may not say so.
import { size } from "../cache/ledger.ts";
import { readTensors } from "../weights/checkpoint.ts";

export class NoRoom extends Error {}

/** Throws NoRoom for weights of more than `limit` bytes. */
export function checkRoom(folder: string, limit: number): void {
  const bytes = [...readTensors(folder).values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (bytes > limit)
    throw new NoRoom(
      `the weights have ${size(bytes)} and ${size(limit)} may be used: give --gpu-memory-utilization, or a checkpoint with fewer bits`,
    );
}
