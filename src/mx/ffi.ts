// The symbol table of shim/mxs.h, one line per function, and the one place where results are checked.
// A test compares the table with the header.

import { dlopen, toArrayBuffer, type Library, type Pointer } from "bun:ffi";
import { MxError } from "./error.ts";
import { messageOf } from "../util/message-of.ts";

// Three names of the same type, so that the test can tell what an argument means. Handles are read as signed numbers, which are the
// fast case in JavaScript.
const tensor = "i32";
const optional = "int";
const int = "int32_t";
const double = "f64";
const text = "cstring";
const data = "ptr";

const one = { args: [tensor], returns: tensor } as const;
const two = { args: [tensor, tensor], returns: tensor } as const;
const reduction = { args: [tensor, int, int], returns: tensor } as const;
const oneInt = { args: [tensor, int], returns: tensor } as const;
const twoInts = { args: [tensor, int, int], returns: tensor } as const;
const getter = { args: [], returns: double } as const;
const setter = { args: [double], returns: double } as const;

export const table = {
  mxs_open: { args: [int], returns: int },
  mxs_last_error: { args: [], returns: text },
  mxs_version: { args: [], returns: text },
  mxs_scratch: { args: [], returns: data },
  mxs_device_memory: getter,
  mxs_active_memory: getter,
  mxs_peak_memory: getter,
  mxs_reset_peak_memory: { args: [], returns: int },
  mxs_cache_memory: getter,
  mxs_clear_cache: { args: [], returns: int },
  mxs_set_cache_limit: setter,
  mxs_set_memory_limit: setter,
  mxs_set_wired_limit: setter,

  mxs_scope_push: { args: [], returns: int },
  mxs_scope_pop: { args: [int, int], returns: int },
  mxs_keep: { args: [tensor], returns: int },
  mxs_release: { args: [tensor], returns: int },
  mxs_live: { args: [], returns: int },

  mxs_from_data: { args: [data, double, int, int], returns: tensor },
  mxs_scalar: { args: [double, int], returns: tensor },
  mxs_shape: { args: [tensor], returns: int },
  mxs_dtype: { args: [tensor], returns: int },
  mxs_size: { args: [tensor], returns: double },
  mxs_bytes: { args: [tensor], returns: double },
  mxs_read: { args: [tensor, data, double, int], returns: int },
  mxs_evaluate: { args: [int], returns: int },
  mxs_async_evaluate: { args: [int], returns: int },
  mxs_synchronize: { args: [], returns: int },
  mxs_graph: { args: [int, data, double], returns: int },

  mxs_add: two,
  mxs_subtract: two,
  mxs_multiply: two,
  mxs_divide: two,
  mxs_power: two,
  mxs_maximum: two,
  mxs_minimum: two,
  mxs_remainder: two,
  mxs_floor_divide: two,
  mxs_logaddexp: two,
  mxs_equal: two,
  mxs_not_equal: two,
  mxs_less: two,
  mxs_less_equal: two,
  mxs_greater: two,
  mxs_greater_equal: two,
  mxs_logical_and: two,
  mxs_logical_or: two,
  mxs_bitwise_and: two,
  mxs_bitwise_or: two,
  mxs_bitwise_xor: two,
  mxs_left_shift: two,
  mxs_right_shift: two,

  mxs_negative: one,
  mxs_abs: one,
  mxs_sign: one,
  mxs_exp: one,
  mxs_expm1: one,
  mxs_log: one,
  mxs_log1p: one,
  mxs_sqrt: one,
  mxs_rsqrt: one,
  mxs_square: one,
  mxs_reciprocal: one,
  mxs_sigmoid: one,
  mxs_tanh: one,
  mxs_erf: one,
  mxs_sin: one,
  mxs_cos: one,
  mxs_floor: one,
  mxs_ceil: one,
  mxs_round: one,
  mxs_logical_not: one,
  mxs_isfinite: one,
  mxs_isnan: one,

  mxs_where: { args: [tensor, tensor, tensor], returns: tensor },
  mxs_clip: { args: [tensor, optional, optional], returns: tensor },

  mxs_sum: reduction,
  mxs_mean: reduction,
  mxs_max: reduction,
  mxs_min: reduction,
  mxs_prod: reduction,
  mxs_all: reduction,
  mxs_any: reduction,
  mxs_logsumexp: reduction,
  mxs_argmax: reduction,
  mxs_argmin: reduction,

  mxs_softmax: twoInts,
  mxs_cumsum: { args: [tensor, int, int, int], returns: tensor },
  mxs_sort: oneInt,
  mxs_argsort: oneInt,
  mxs_partition: twoInts,
  mxs_argpartition: twoInts,
  mxs_topk: twoInts,

  mxs_reshape: oneInt,
  mxs_broadcast_to: oneInt,
  mxs_transpose: oneInt,
  mxs_swapaxes: twoInts,
  mxs_expand_dims: oneInt,
  mxs_squeeze: oneInt,
  mxs_flatten: twoInts,
  mxs_concatenate: { args: [int, int], returns: tensor },
  mxs_stack: { args: [int, int], returns: tensor },
  mxs_split: { args: [tensor, int, int], returns: int },
  mxs_split_at: { args: [tensor, int, int], returns: int },
  mxs_repeat: twoInts,
  mxs_tile: oneInt,
  mxs_pad: { args: [tensor, int, int, int, double], returns: tensor },
  mxs_roll: twoInts,
  mxs_astype: oneInt,
  mxs_from_fp8: oneInt,
  mxs_view: oneInt,
  mxs_contiguous: one,

  mxs_full: { args: [double, int, int], returns: tensor },
  mxs_zeros_like: one,
  mxs_arange: { args: [double, double, double, int], returns: tensor },
  mxs_tri: { args: [int, int, int, int], returns: tensor },
  mxs_tril: oneInt,
  mxs_triu: oneInt,
  mxs_random_normal: { args: [int, int, double], returns: tensor },
  mxs_random_uniform: { args: [int, int, double], returns: tensor },

  mxs_slice: oneInt,
  mxs_slice_axis: { args: [tensor, int, int, int], returns: tensor },
  mxs_slice_update: { args: [tensor, tensor, int], returns: tensor },
  mxs_slice_dynamic: { args: [tensor, tensor, int, int], returns: tensor },
  mxs_slice_update_dynamic: { args: [tensor, tensor, tensor, int], returns: tensor },
  mxs_take: two,
  mxs_take_axis: { args: [tensor, tensor, int], returns: tensor },
  mxs_take_along_axis: { args: [tensor, tensor, int], returns: tensor },
  mxs_put_along_axis: { args: [tensor, tensor, tensor, int], returns: tensor },
  mxs_scatter: { args: [tensor, tensor, int], returns: tensor },
  mxs_scatter_add: { args: [tensor, tensor, int], returns: tensor },

  mxs_matmul: two,
  mxs_addmm: { args: [tensor, tensor, tensor, double], returns: tensor },
  mxs_gather_mm: { args: [tensor, tensor, optional, optional, int], returns: tensor },
  mxs_quantized_matmul: { args: [tensor, tensor, tensor, optional, int, int, int, int], returns: tensor },
  mxs_gather_qmm: { args: [tensor, tensor, tensor, optional, optional, optional, int, int, int, int, int], returns: tensor },
  mxs_quantize: { args: [tensor, int, int, int], returns: int },
  mxs_dequantize: { args: [tensor, tensor, optional, int, int, int, int], returns: tensor },
  mxs_conv1d: { args: [tensor, tensor, int, int, int, int], returns: tensor },
  mxs_conv2d: { args: [tensor, tensor, int], returns: tensor },
  mxs_conv_transpose1d: { args: [tensor, tensor, int, int, int, int, int], returns: tensor },
  mxs_rms_norm: { args: [tensor, optional, double], returns: tensor },
  mxs_layer_norm: { args: [tensor, optional, optional, double], returns: tensor },
  mxs_turn: { args: [tensor, tensor, tensor, tensor], returns: tensor },
  mxs_rope: { args: [tensor, int, int, double, double, optional, int], returns: tensor },
  mxs_rope_rows: { args: [tensor, int, int, double, double, optional, tensor], returns: tensor },
  mxs_attention: { args: [tensor, tensor, tensor, double, int, optional, optional], returns: tensor },

  mxs_silu: one,
  mxs_swiglu: two,
  mxs_gelu: one,
  mxs_geglu: two,
  mxs_gelu_tanh: one,
  mxs_geglu_tanh: two,
  mxs_relu: one,
  mxs_softplus: one,
  mxs_softcap: { args: [tensor, double], returns: tensor },

  mxs_own_kernels: { args: [], returns: int },
  mxs_packed_matmul: { args: [tensor, tensor, tensor, tensor, int, int], returns: tensor },
  mxs_place_heads: { args: [tensor, optional, tensor, tensor, tensor, tensor, int, int, int, double], returns: int },
  mxs_attend_one: { args: [tensor, tensor, tensor, tensor, int, double], returns: tensor },
  mxs_attend_many: { args: [tensor, tensor, tensor, int, double], returns: tensor },
  mxs_draw: two,

  mxs_load_safetensors: { args: [text], returns: int },
  mxs_load_next: { args: [], returns: text },
  mxs_save_begin: { args: [], returns: int },
  mxs_save_tensor: { args: [text, tensor], returns: int },
  mxs_save_metadata: { args: [text, text], returns: int },
  mxs_save_safetensors: { args: [text], returns: int },
} as const;

declare const brand: unique symbol;
/** A handle to an array: 20 bits slot, 12 bits generation; never 0. */
export type Tensor = number & { readonly [brand]: true };

export type Symbols = Library<typeof table>["symbols"];

/** The shim's functions; before `bind` each of them is an error. */
export let c: Symbols = new Proxy({} as Symbols, {
  get() {
    throw new MxError("the MLX library is not open");
  },
});

/** The buffer in which lists travel; see mxs.h. */
export let scratch = new Int32Array(0);
export const scratchSize = 65536;

export function bind(path: string): void {
  try {
    c = dlopen(path, table as any).symbols as any;
  } catch (error) {
    throw new MxError(`the MLX library cannot be opened: ${messageOf(error)}`);
  }
  scratch = new Int32Array(toArrayBuffer(c.mxs_scratch() as Pointer, 0, scratchSize * 4));
}

export function lastError(): MxError {
  return new MxError(String(c.mxs_last_error()));
}

/** The handle that a call returned. */
export function checked(handle: number): Tensor {
  if (handle === 0) throw lastError();
  return handle as Tensor;
}

/** The number that a call returned. */
export function code(value: number): number {
  if (value < 0) throw lastError();
  return value;
}

/** Writes a list to scratch, at `at`, and returns its length. */
export function list(values: readonly number[], at = 0): number {
  const length = values.length;
  if (at + length > scratchSize) throw new MxError(`a list of ${length} does not fit into one call`);
  for (let i = 0; i < length; i++) scratch[at + i] = values[i]!;
  return length;
}

/** The same for one axis or several. */
export function axisList(axes: number | readonly number[]): number {
  if (typeof axes !== "number") return list(axes);
  scratch[0] = axes;
  return 1;
}

/** The handles that a call wrote to scratch. */
export function handles(count: number): Tensor[] {
  code(count);
  const result = new Array<Tensor>(count);
  for (let i = 0; i < count; i++) result[i] = scratch[i] as Tensor;
  return result;
}

export function cstring(value: string): Uint8Array {
  return new TextEncoder().encode(value + "\0");
}
