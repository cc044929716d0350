// Matrices [outputs, inputs] as a checkpoint stores them, dense or packed, and the functions that apply them.
// All tensors here are kept handles of the Weights that read them.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Quantization } from "./quantization.ts";

export interface DenseMatrix {
  readonly type: "dense";
  readonly outputs: number;
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

export interface PackedMatrix {
  readonly type: "packed";
  readonly outputs: number;
  readonly weight: Tensor; // uint32
  readonly scales: Tensor; // [outputs, inputs / groupSize]
  readonly biases: Tensor; // likewise; the zero points, not the layer's bias
  readonly quantization: Quantization;
  readonly bias?: Tensor;
}

export type Matrix = DenseMatrix | PackedMatrix;

/** [..., inputs] → [..., outputs]. */
export type Linear = (x: Tensor) => Tensor;

export interface Embedding {
  /** ids [...] → [..., width]. */
  rows(ids: Tensor): Tensor;
  /** [..., width] → [..., count]: the same matrix as output projection. */
  project: Linear;
}

/** Keeps a tensor that shares the data of another one, as long as that one is kept. */
export type KeepView = (make: () => Tensor) => Tensor;

export function makeLinear(m: Matrix, keepView: KeepView): Linear {
  const { bias } = m;
  if (bias === undefined) return makeProduct(m, keepView);
  if (m.type === "dense") {
    const turned = keepView(() => mx.transpose(m.weight));
    return x => mx.addmm(bias, x, turned);
  }
  const product = makeProduct(m, keepView);
  return x => mx.add(product(x), bias);
}

export function makeEmbedding(m: Matrix, keepView: KeepView): Embedding {
  const project = makeProduct(m, keepView);
  if (m.type === "dense") return { rows: ids => mx.take(m.weight, ids, 0), project };
  const q = { ...m.quantization, mode: "affine" as const };
  const rows = (ids: Tensor) => mx.dequantize(mx.take(m.weight, ids, 0), mx.take(m.scales, ids, 0), mx.take(m.biases, ids, 0), q);
  return { rows, project };
}

function makeProduct(m: Matrix, keepView: KeepView): Linear {
  if (m.type === "dense") {
    const turned = keepView(() => mx.transpose(m.weight)); // made once, so that no step has to
    return x => mx.matmul(x, turned);
  }
  const q = { ...m.quantization, mode: "affine" as const };
  return x => mx.quantizedMatmul(x, m.weight, m.scales, m.biases, q);
}

/** Matrices of equal kind can be joined along their outputs. */
export function kindOf(m: Matrix): string {
  const numbers = m.type === "dense" ? mx.dtype(m.weight) : `${m.quantization.bits}/${m.quantization.groupSize}/${mx.dtype(m.scales)}`;
  return `${m.type} ${numbers} ${m.bias === undefined ? "" : mx.dtype(m.bias)}`;
}

/** One matrix out of several of equal kind; `join` makes one kept tensor of several and gives those back. */
export function joinMatrices(ms: readonly Matrix[], join: (parts: readonly Tensor[]) => Tensor): Matrix {
  const [first] = ms as [Matrix];
  if (ms.length === 1) return first;
  const packed = ms.filter(m => m.type === "packed");
  const shared = {
    outputs: ms.reduce((sum, m) => sum + m.outputs, 0),
    weight: join(ms.map(m => m.weight)),
    ...(first.bias === undefined ? {} : { bias: join(ms.map(m => m.bias!)) }),
  };
  if (first.type === "dense") return { type: "dense", ...shared };
  return {
    type: "packed",
    ...shared,
    scales: join(packed.map(m => m.scales)),
    biases: join(packed.map(m => m.biases)),
    quantization: first.quantization,
  };
}
