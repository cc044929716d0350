// Whether a checkpoint fits, asked before anything of it is read: a system that is out of memory may not say so.
import { size } from "../cache/ledger.ts";
import { itemSize } from "../mx/index.ts";
import type { CheckpointTensor } from "../weights/checkpoint.ts";
import { isFloat } from "../weights/store.ts";

export class NoRoom extends Error {}

/** Throws NoRoom for tensors of more than `limit` bytes. `bits` is what dense matrices are packed to, if they are. */
export function checkRoom(tensors: ReadonlyMap<string, CheckpointTensor>, limit: number, bits?: number): void {
  const share = ({ dtype, shape }: CheckpointTensor) =>
    bits === undefined || !isFloat(dtype) || shape.length < 2 ? 1 : bits / (8 * itemSize(dtype));
  const bytes = [...tensors.values()].reduce((sum, tensor) => sum + (tensor.end - tensor.begin) * Math.min(1, share(tensor)), 0);
  if (bytes > limit)
    throw new NoRoom(
      `the weights have ${size(bytes)} and ${size(limit)} may be used: give --gpu-memory-utilization, or a checkpoint with fewer bits`,
    );
}
