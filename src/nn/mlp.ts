// Feed-forward layers: gated, down(act(gate(x)) · up(x)), and plain, down(act(up(x))).
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";

export type Activation = "silu" | "gelu" | "geluTanh";

const gated = { silu: mx.swiglu, gelu: mx.geglu, geluTanh: mx.gegluTanh };
const plain = { silu: mx.silu, gelu: mx.gelu, geluTanh: mx.geluTanh, relu2 };

export function relu2(x: Tensor): Tensor {
  return mx.square(mx.relu(x));
}

const activations: Readonly<Record<string, Activation>> = {
  silu: "silu",
  gelu: "gelu",
  gelu_pytorch_tanh: "geluTanh",
  gelu_new: "geluTanh",
  gelu_fast: "geluTanh",
};

/** The activation that config.json names. */
export function readActivation(c: Fields, fallback: string, name = "hidden_act"): Activation {
  c.expect(name, ...Object.keys(activations));
  return activations[c.text(name, fallback)]!;
}

export interface MlpOptions {
  readonly bias?: boolean | undefined; // undefined: as the checkpoint has it
  readonly activation?: Activation; // silu without it
  readonly names?: readonly [gate: string, up: string, down: string];
  readonly fused?: string; // name of one projection whose outputs are gate and up
  readonly change?: Linear; // of the gate before it is activated
}

/** The gated MLP. */
export function mlp(w: Weights, hidden: number, inner: number, options: MlpOptions = {}): Linear {
  const { bias, fused, change, activation = "silu", names = ["gate_proj", "up_proj", "down_proj"] } = options;
  const project = fused === undefined ? twoProjections(w, hidden, inner, names[0], names[1], bias) : halves(w.linear(fused, hidden, 2 * inner, bias));
  const output = w.linear(names[2], inner, hidden, bias);
  return x => {
    const [gate, up] = project(x);
    return output(gated[activation](change === undefined ? gate : change(gate), up));
  };
}

/** The plain MLP. */
export function plainMlp(
  w: Weights,
  hidden: number,
  inner: number,
  names: readonly [up: string, down: string],
  activation: keyof typeof plain,
  bias?: boolean,
) {
  const [up, down] = [w.linear(names[0], hidden, inner, bias), w.linear(names[1], inner, hidden, bias)];
  return (x: Tensor): Tensor => down(plain[activation](up(x)));
}

type Pair = readonly [gate: Tensor, up: Tensor];

function twoProjections(w: Weights, hidden: number, inner: number, gate: string, up: string, bias?: boolean): (x: Tensor) => Pair {
  const project = w.linears(hidden, { [gate]: inner, [up]: inner }, bias);
  return x => {
    const parts = project(x);
    return [parts[gate]!, parts[up]!];
  };
}

function halves(project: Linear): (x: Tensor) => Pair {
  return x => mx.split(project(x), 2, -1) as [Tensor, Tensor];
}
