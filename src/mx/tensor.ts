// Data in and out, what a tensor is, and evaluation.

import { dtypeCode, dtypeName, type Dtype } from "./dtype.ts";
import { c, checked, code, list, scratch, type Tensor } from "./ffi.ts";

type Data = Float32Array | Int32Array | Uint32Array | Uint8Array | Uint16Array;

const nothing = new Uint8Array(8);

function typeOf(data: Data): Dtype {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint32Array) return "uint32";
  return data instanceof Uint8Array ? "uint8" : "uint16";
}

/** A copy of the data, row-major, cast to `dtype`; a Uint16Array gives a 16-bit float type its bits. */
export function fromArray(data: Data, shape: readonly number[], dtype?: Dtype): Tensor {
  const isBits = data instanceof Uint16Array && (dtype === "bfloat16" || dtype === "float16");
  const own = isBits ? dtype : typeOf(data);
  const bytes = data.byteLength;
  const t = checked(c.mxs_from_data(bytes === 0 ? nothing : data, bytes, list(shape), dtypeCode(own)));
  return dtype === undefined || dtype === own ? t : checked(c.mxs_astype(t, dtypeCode(dtype)));
}

/** A tensor without axes. */
export function scalar(value: number, dtype: Dtype = "float32"): Tensor {
  return checked(c.mxs_scalar(value, dtypeCode(dtype)));
}

export function shape(t: Tensor): number[] {
  const rank = code(c.mxs_shape(t));
  const result = new Array<number>(rank);
  for (let i = 0; i < rank; i++) result[i] = scratch[i]!;
  return result;
}

export function dtype(t: Tensor): Dtype {
  return dtypeName(code(c.mxs_dtype(t)));
}

/** The number of elements. */
export function size(t: Tensor): number {
  return code(c.mxs_size(t));
}

export function byteSize(t: Tensor): number {
  return code(c.mxs_bytes(t));
}

function read<T extends Data>(t: Tensor, out: T, dtype: Dtype): T {
  code(c.mxs_read(t, out.byteLength === 0 ? nothing : out, out.byteLength, dtypeCode(dtype)));
  return out;
}

/** Evaluates, casts and copies out, row-major; likewise the next three. */
export function toFloat32(t: Tensor): Float32Array<ArrayBuffer> {
  return read(t, new Float32Array(size(t)), "float32");
}

export function toUint32(t: Tensor): Uint32Array<ArrayBuffer> {
  return read(t, new Uint32Array(size(t)), "uint32");
}

export function toInt32(t: Tensor): Int32Array<ArrayBuffer> {
  return read(t, new Int32Array(size(t)), "int32");
}

export function toUint8(t: Tensor): Uint8Array<ArrayBuffer> {
  return read(t, new Uint8Array(size(t)), "uint8");
}

/** Computes the tensors. */
export function evaluate(...ts: readonly Tensor[]): void {
  code(c.mxs_evaluate(list(ts)));
}

/** Starts computing the tensors; reading one waits for it. */
export function asyncEvaluate(...ts: readonly Tensor[]): void {
  code(c.mxs_async_evaluate(list(ts)));
}

/** Waits until everything dispatched is computed. */
export function synchronize(): void {
  code(c.mxs_synchronize());
}
