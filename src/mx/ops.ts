// Arithmetic and comparison. Names and semantics are MLX's.

import { c, checked, type Tensor } from "./ffi.ts";

// Two tensors, broadcast against each other.

export function add(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_add(a, b));
}

export function subtract(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_subtract(a, b));
}

export function multiply(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_multiply(a, b));
}

export function divide(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_divide(a, b));
}

export function power(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_power(a, b));
}

export function maximum(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_maximum(a, b));
}

export function minimum(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_minimum(a, b));
}

export function remainder(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_remainder(a, b));
}

export function floorDivide(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_floor_divide(a, b));
}

export function logaddexp(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_logaddexp(a, b));
}

export function equal(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_equal(a, b));
}

export function notEqual(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_not_equal(a, b));
}

export function less(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_less(a, b));
}

export function lessEqual(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_less_equal(a, b));
}

export function greater(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_greater(a, b));
}

export function greaterEqual(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_greater_equal(a, b));
}

export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_logical_and(a, b));
}

export function logicalOr(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_logical_or(a, b));
}

export function bitwiseAnd(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_bitwise_and(a, b));
}

export function bitwiseOr(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_bitwise_or(a, b));
}

export function bitwiseXor(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_bitwise_xor(a, b));
}

export function leftShift(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_left_shift(a, b));
}

export function rightShift(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_right_shift(a, b));
}

// One tensor, element by element.

export function negative(a: Tensor): Tensor {
  return checked(c.mxs_negative(a));
}

export function abs(a: Tensor): Tensor {
  return checked(c.mxs_abs(a));
}

export function sign(a: Tensor): Tensor {
  return checked(c.mxs_sign(a));
}

export function exp(a: Tensor): Tensor {
  return checked(c.mxs_exp(a));
}

export function expm1(a: Tensor): Tensor {
  return checked(c.mxs_expm1(a));
}

export function log(a: Tensor): Tensor {
  return checked(c.mxs_log(a));
}

export function log1p(a: Tensor): Tensor {
  return checked(c.mxs_log1p(a));
}

export function sqrt(a: Tensor): Tensor {
  return checked(c.mxs_sqrt(a));
}

export function rsqrt(a: Tensor): Tensor {
  return checked(c.mxs_rsqrt(a));
}

export function square(a: Tensor): Tensor {
  return checked(c.mxs_square(a));
}

export function reciprocal(a: Tensor): Tensor {
  return checked(c.mxs_reciprocal(a));
}

export function sigmoid(a: Tensor): Tensor {
  return checked(c.mxs_sigmoid(a));
}

export function tanh(a: Tensor): Tensor {
  return checked(c.mxs_tanh(a));
}

export function erf(a: Tensor): Tensor {
  return checked(c.mxs_erf(a));
}

export function sin(a: Tensor): Tensor {
  return checked(c.mxs_sin(a));
}

export function cos(a: Tensor): Tensor {
  return checked(c.mxs_cos(a));
}

export function floor(a: Tensor): Tensor {
  return checked(c.mxs_floor(a));
}

export function ceil(a: Tensor): Tensor {
  return checked(c.mxs_ceil(a));
}

export function round(a: Tensor): Tensor {
  return checked(c.mxs_round(a));
}

export function logicalNot(a: Tensor): Tensor {
  return checked(c.mxs_logical_not(a));
}

export function isfinite(a: Tensor): Tensor {
  return checked(c.mxs_isfinite(a));
}

export function isnan(a: Tensor): Tensor {
  return checked(c.mxs_isnan(a));
}

/** `a` where the condition holds, `b` elsewhere. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_where(condition, a, b));
}

export function clip(a: Tensor, low?: Tensor, high?: Tensor): Tensor {
  return checked(c.mxs_clip(a, low ?? 0, high ?? 0));
}
