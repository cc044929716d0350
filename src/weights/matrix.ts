// Matrices [outputs, inputs] as a checkpoint stores them, dense or packed, and the functions that apply them. Stacks of such
// matrices, [count, outputs, inputs], have the same form.
// All tensors here are kept handles of the Weights that read them.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { describeQuantization, type Quantization } from "./quantization.ts";

/** From so many rows on MLX's CUDA back end is sooner done when it unpacks a matrix first: than with our kernel for few rows, and than with its own. */
const UNPACKED_ROWS = { ours: 256, own: 24 };

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
  readonly biases?: Tensor; // likewise, in affine mode; the zero points, not the layer's bias
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

/** Owns the tensors that a matrix is turned into. */
export interface Owner {
  /** On MLX's CPU back end: matrices are unpacked and turned when they are read, see `turn`. */
  readonly turned: boolean;
  constant(make: () => Tensor): Tensor;
  /** Keeps a tensor that shares the data of another one, as long as that one is kept. */
  view(make: () => Tensor): Tensor;
  /** Keeps what is made of `parts` in their place. */
  replace(parts: readonly Tensor[], make: (parts: readonly Tensor[]) => Tensor): Tensor;
  /** Gives up a tensor that others were made of. */
  drop(tensor: Tensor): void;
}

export function makeLinear(m: Matrix, owner: Owner): Linear {
  const { bias } = m;
  if (bias === undefined) return makeProduct(m, owner, false);
  if (m.type === "dense") {
    const turned = turn(m, owner, false);
    return x => mx.addmm(bias, x, turned);
  }
  const product = makeProduct(m, owner, false);
  return x => mx.add(product(x), bias);
}

export function makeEmbedding(m: Matrix, owner: Owner): Embedding {
  return { rows: makeRows(m), project: makeProduct(m, owner, true) };
}

/** ids [...] → [..., width]. */
export function makeRows(m: Matrix): (ids: Tensor) => Tensor {
  if (m.type === "dense") return ids => mx.take(m.weight, ids, 0);
  const { weight, scales, biases } = m;
  return ids => unpack(m, mx.take(weight, ids, 0), mx.take(scales, ids, 0), biases && mx.take(biases, ids, 0));
}

function makeProduct(m: Matrix, owner: Owner, shared: boolean): Linear {
  if (m.type === "dense" || owner.turned) {
    const turned = turn(m, owner, shared);
    return x => mx.matmul(x, turned);
  }
  const product: Linear = x => mx.quantizedMatmul(x, m.weight, m.scales, m.biases, m.quantization);
  return mx.backend() === "cuda" ? cudaProduct(m, product) : product;
}

function cudaProduct(m: PackedMatrix, product: Linear): Linear {
  const { weight, scales, biases, quantization } = m;
  const { mode, bits } = quantization;
  const type = mx.dtype(scales);
  const ours = mx.ownKernels() && mode === "affine" && (bits === 4 || bits === 8) && (type === "bfloat16" || type === "float16");
  return x => {
    const rows = mx.size(x) / mx.shape(x).at(-1)!;
    const few = ours && mx.dtype(x) === type;
    if (rows >= UNPACKED_ROWS[few ? "ours" : "own"]) return mx.matmul(x, mx.swapaxes(unpack(m), -2, -1));
    return few ? mx.packedMatmul(x, weight, scales, biases!, quantization) : product(x);
  };
}

/**
 * The matrix as [inputs, outputs], made once. For the CPU back end it is unpacked and really turned: the product
 * runs 2.3 times as fast than with packed numbers or a turned view. `shared`: the matrix itself is still needed.
 */
export function turn(m: Matrix, owner: Owner, shared: boolean): Tensor {
  if (!owner.turned && m.type === "dense") return owner.view(() => mx.swapaxes(m.weight, -2, -1));
  const make = (): Tensor => mx.contiguous(mx.swapaxes(m.type === "dense" ? m.weight : unpack(m), -2, -1));
  return shared ? owner.constant(make) : owner.replace(partsOf(m), make);
}

/** The tensors that a matrix without its bias is stored in. */
export function partsOf(m: Matrix): Tensor[] {
  return m.type === "dense" ? [m.weight] : [m.weight, m.scales, ...(m.biases === undefined ? [] : [m.biases])];
}

/** Rows of a packed matrix, all without others being given; floating-point modes do not say of which type. */
export function unpack(m: PackedMatrix, weight = m.weight, scales = m.scales, biases = m.biases): Tensor {
  const type = m.quantization.mode === "affine" ? undefined : mx.device() === "cpu" ? "float32" : "bfloat16";
  return mx.dequantize(weight, scales, biases, m.quantization, type);
}

/** Matrices of equal kind can be joined along their outputs. */
export function kindOf(m: Matrix): string {
  const numbers = m.type === "dense" ? mx.dtype(m.weight) : `${describeQuantization(m.quantization)} ${mx.dtype(m.scales)}`;
  return `${m.type} ${numbers} ${m.bias === undefined ? "" : mx.dtype(m.bias)}`;
}

/** One matrix, or stack, out of several of equal kind, one behind the other along their outputs. */
export function joinMatrices(ms: readonly Matrix[], owner: Owner): Matrix {
  if (ms.length === 1) return ms[0]!;
  const along = (axis: number) => (parts: readonly Tensor[]) => owner.replace(parts, all => mx.concatenate(all, axis));
  const [join, joinBiases] = [along(-2), along(-1)];
  const outputs = ms.reduce((sum, m) => sum + m.outputs, 0);
  const [first] = ms as [Matrix];
  const packed = ms.filter(m => m.type === "packed");
  const shared = {
    outputs,
    weight: join(ms.map(m => m.weight)),
    ...(first.bias === undefined ? {} : { bias: joinBiases(ms.map(m => m.bias!)) }),
  };
  if (first.type === "dense") return { type: "dense", ...shared };
  return {
    type: "packed",
    ...shared,
    scales: join(packed.map(m => m.scales)),
    ...(packed[0]!.biases === undefined ? {} : { biases: join(packed.map(m => m.biases!)) }),
    quantization: first.quantization,
  };
}
