// The gated MLP: down(silu(gate(x)) · up(x)).
import * as mx from "../mx/index.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";

export function mlp(w: Weights, hidden: number, inner: number, bias?: boolean): Linear {
  const project = w.linears(hidden, { gate_proj: inner, up_proj: inner }, bias);
  const down = w.linear("down_proj", inner, hidden, bias);
  return x => {
    const { gate_proj, up_proj } = project(x);
    return down(mx.swiglu(gate_proj, up_proj));
  };
}
