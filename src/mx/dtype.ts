// Element types: their names here and their codes in mxs.h.

import { MxError } from "./error.ts";

export type Dtype = "bool" | "uint8" | "uint16" | "uint32" | "uint64" | "int8" | "int16" | "int32" | "int64" | "float16" | "bfloat16" | "float32";

const codes: Readonly<Record<Dtype, number>> = {
  bool: 0,
  uint8: 1,
  uint16: 2,
  uint32: 3,
  uint64: 4,
  int8: 5,
  int16: 6,
  int32: 7,
  int64: 8,
  float16: 9,
  float32: 10,
  bfloat16: 12,
};
const names = new Map(Object.entries(codes).map(([name, code]) => [code, name as Dtype]));

export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && Object.hasOwn(codes, name);
}

export function dtypeCode(dtype: Dtype): number {
  return codes[dtype];
}

export function dtypeName(code: number): Dtype {
  const name = names.get(code);
  if (name === undefined)
    throw new MxError(`a tensor of type ${code === 11 ? "float64" : code === 13 ? "complex64" : code}, which is not supported here`);
  return name;
}

const sizes: Readonly<Partial<Record<Dtype, number>>> = { bool: 1, uint8: 1, int8: 1, uint64: 8, int64: 8, uint32: 4, int32: 4, float32: 4 };

/** Bytes of one element. */
export function itemSize(dtype: Dtype): number {
  return sizes[dtype] ?? 2;
}
