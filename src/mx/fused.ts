// Activations that are several MLX calls in one, and one kernel on the GPU back ends.

import { c, checked, type Tensor } from "./ffi.ts";

/** x sigmoid(x) */
export function silu(x: Tensor): Tensor {
  return checked(c.mxs_silu(x));
}

/** silu(gate) up */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return checked(c.mxs_swiglu(gate, up));
}

/** The exact form, with erf. */
export function gelu(x: Tensor): Tensor {
  return checked(c.mxs_gelu(x));
}

/** gelu(gate) up */
export function geglu(gate: Tensor, up: Tensor): Tensor {
  return checked(c.mxs_geglu(gate, up));
}

/** The approximation with tanh. */
export function geluTanh(x: Tensor): Tensor {
  return checked(c.mxs_gelu_tanh(x));
}

/** geluTanh(gate) up */
export function gegluTanh(gate: Tensor, up: Tensor): Tensor {
  return checked(c.mxs_geglu_tanh(gate, up));
}

export function relu(x: Tensor): Tensor {
  return checked(c.mxs_relu(x));
}

/** log(1 + exp(x)) */
export function softplus(x: Tensor): Tensor {
  return checked(c.mxs_softplus(x));
}

/** cap tanh(x / cap) */
export function softcap(x: Tensor, cap: number): Tensor {
  return checked(c.mxs_softcap(x, cap));
}
