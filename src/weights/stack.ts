// Stacks of matrices, [count, outputs, inputs]: experts, of which every token meets a few, and matrices of one head each.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { partsOf, turn, unpack, type Linear, type Matrix, type Owner } from "./matrix.ts";

/** Names of a stack: as one tensor, or as matrices apart. */
export interface StackName {
  readonly whole: string;
  readonly apart?: (index: number) => string;
}

/** x [..., 1, inputs], indices [...] → [..., 1, outputs], by the expert that each index names. `isSorted` promises ascending indices. */
export type Experts = (x: Tensor, indices: Tensor, isSorted: boolean) => Tensor;

export function makeExperts(m: Matrix, owner: Owner): Experts {
  const product = makeGathered(m, owner);
  const { bias } = m;
  if (bias === undefined) return product;
  return (x, indices, isSorted) => mx.add(product(x, indices, isSorted), mx.expandDims(mx.take(bias, indices, 0), -2));
}

function makeGathered(m: Matrix, owner: Owner): Experts {
  if (m.type === "dense" || owner.turned) {
    const turned = turn(m, owner, false);
    return (x, indices, isSorted) => mx.gatherMm(x, turned, undefined, indices, isSorted);
  }
  const { weight, scales, biases, quantization } = m;
  return (x, indices, isSorted) => mx.gatherQmm(x, weight, scales, biases, undefined, indices, quantization, true, isSorted);
}

/** The products of several stacks with the same input, one behind the other. */
export function besides(all: readonly Experts[]): Experts {
  if (all.length === 1) return all[0]!;
  return (x, indices, isSorted) =>
    mx.concatenate(
      all.map(one => one(x, indices, isSorted)),
      -1,
    );
}

/** [..., count, L, outputs] → [..., count, L, inputs]: the transposes of a stack. */
export function makeBackward(m: Matrix, owner: Owner): Linear {
  if (m.type === "dense") return x => mx.matmul(x, m.weight);
  if (owner.turned) {
    const unpacked = owner.replace(partsOf(m), () => unpack(m));
    return x => mx.matmul(x, unpacked);
  }
  return x => mx.quantizedMatmul(x, m.weight, m.scales, m.biases, m.quantization, false);
}

/** Two stacks out of a matrix whose outputs are, head by head, `first` of the one and then those of the other. */
export function splitHeads(m: Matrix, count: number, first: number, owner: Owner): [Matrix, Matrix] {
  const each = m.outputs / count;
  const rows = (from: number, to: number): Matrix => {
    const cut = (t: Tensor): Tensor => owner.constant(() => mx.contiguous(mx.sliceAxis(mx.reshape(t, [count, each, mx.shape(t)[1]!]), 1, from, to)));
    if (m.type === "dense") return { type: "dense", outputs: to - from, weight: cut(m.weight) };
    const biases = m.biases === undefined ? {} : { biases: cut(m.biases) };
    return { type: "packed", outputs: to - from, weight: cut(m.weight), scales: cut(m.scales), ...biases, quantization: m.quantization };
  };
  const both: [Matrix, Matrix] = [rows(0, first), rows(first, each)];
  for (const part of partsOf(m)) owner.drop(part);
  return both;
}
