// Linear attention with a state: what Mamba-2 (Dao and Gu 2024) and the gated delta rule (Yang, Kautz and Hatamizadeh 2024) have in common.
// Every head has a state S [values, keys] that decays, takes in one value under one key per token, and is asked by a query:
//
//   S ← a S,   S ← S + v kᵀ,   y = S q        with the delta rule, only what S does not say under k yet is taken in: v ← b (v - S k)
//
// `stepwise` computes just that, token by token, so a token's numbers do not depend on where a chunk begins. `blockwise` computes
// the same in matrix products over blocks of tokens, with other roundings.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";

export interface ScanInputs {
  readonly queries: Tensor; // [B, L, H, K]
  readonly keys: Tensor; // [B, L, H, K]
  readonly values: Tensor; // [B, L, H, V]
  readonly logDecay: Tensor; // [B, L, H]: log a
  readonly rate?: Tensor; // [B, L, H]: b, with the delta rule
}

/** Behind the state [B, H, V, K]: outputs [B, L, H, V], and the state after them. All numbers are float32. */
export type Scan = (inputs: ScanInputs, state: Tensor) => { readonly output: Tensor; readonly state: Tensor };

/** The CPU back end promises that chunks do not change a bit; elsewhere many tokens are read in blocks. */
export const scan: Scan = (inputs, state) => {
  const isLong = mx.shape(inputs.keys)[1]! >= SHORTEST;
  return mx.device() === "gpu" && isLong ? blockwise(inputs, state) : stepwise(inputs, state);
};

const SHORTEST = 8; // tokens for which blocks are fewer kernels
const BLOCK = 64;

export const stepwise: Scan = ({ queries, keys, values, logDecay, rate }, state) => {
  const length = mx.shape(keys)[1]!;
  const perToken = (x: Tensor, ...order: number[]): Tensor[] => {
    const first = mx.transpose(x, [1, 0, 2, ...order]); // [L, B, H, …]
    return length === 1 ? [first] : mx.split(mx.contiguous(first), length, 0);
  };
  const [q, k, v] = [queries, keys, values].map(x => perToken(mx.expandDims(x, -1), 3, 4)) as [Tensor[], Tensor[], Tensor[]];
  const [decays, rates] = [mx.exp(logDecay), rate].map(x => x && perToken(mx.expandDims(x, [-1, -2]), 3, 4)) as [Tensor[], Tensor[] | undefined];
  let held = mx.expandDims(state, 0); // [1, B, H, V, K]
  const outputs = q.map((query, t) => {
    const key = k[t]!;
    held = mx.multiply(held, decays[t]!);
    const value = rates === undefined ? v[t]! : mx.multiply(rates[t]!, mx.subtract(v[t]!, mx.matmul(held, key)));
    held = mx.add(held, mx.multiply(value, mx.swapaxes(key, -1, -2)));
    return mx.matmul(held, query); // [1, B, H, V, 1]
  });
  const output = mx.squeeze(length === 1 ? outputs[0]! : mx.concatenate(outputs, 0), -1);
  return { output: mx.transpose(output, [1, 0, 2, 3]), state: mx.squeeze(held, 0) };
};

/** What a block's tokens take in follows from one triangular system; everything else is products. */
export const blockwise: Scan = (inputs, state) => {
  const length = mx.shape(inputs.keys)[1]!;
  const outputs: Tensor[] = [];
  for (let from = 0; from < length; from += BLOCK) {
    const part = (x: Tensor): Tensor => mx.swapaxes(mx.sliceAxis(x, 1, from, Math.min(from + BLOCK, length)), 1, 2); // [B, H, c, …]
    const block = oneBlock(part, inputs, state);
    outputs.push(block.output);
    state = block.state;
  }
  return { output: mx.swapaxes(mx.concatenate(outputs, 2), 1, 2), state };
};

function oneBlock(part: (x: Tensor) => Tensor, { queries, keys, values, logDecay, rate }: ScanInputs, state: Tensor) {
  const [q, k, v] = [part(queries), part(keys), part(values)];
  const sums = mx.cumsum(part(logDecay), -1); // [B, H, c]
  const fromStart = mx.exp(mx.expandDims(sums, -1)); // [B, H, c, 1]
  const between = mx.exp(mx.minimum(mx.subtract(mx.expandDims(sums, -1), mx.expandDims(sums, -2)), mx.scalar(0))); // [B, H, c, c]: from column to row
  const [kT, sT] = [mx.swapaxes(k, -1, -2), mx.swapaxes(state, -1, -2)];
  let taken = v;
  if (rate !== undefined) {
    const b = mx.expandDims(part(rate), -1);
    const overlap = mx.tril(mx.multiply(mx.multiply(mx.matmul(k, kT), between), b), -1);
    const surprise = mx.multiply(b, mx.subtract(v, mx.multiply(fromStart, mx.matmul(k, sT))));
    taken = mx.matmul(inverse(overlap), surprise);
  }
  const within = mx.matmul(mx.tril(mx.multiply(mx.matmul(q, kT), between)), taken);
  const output = mx.add(within, mx.multiply(fromStart, mx.matmul(q, sT)));
  const count = mx.shape(k)[2]!;
  const toEnd = mx.swapaxes(mx.sliceAxis(between, 2, count - 1, count), -1, -2); // [B, H, c, 1]
  const whole = mx.sliceAxis(fromStart, 2, count - 1, count); // [B, H, 1, 1]
  const taking = mx.matmul(mx.swapaxes(taken, -1, -2), mx.multiply(k, toEnd));
  return { output, state: mx.add(mx.multiply(whole, state), taking) };
}

/** (1 + a)⁻¹ of strictly lower triangular matrices [..., c, c], by halves. */
export function inverse(a: Tensor): Tensor {
  const count = mx.shape(a).at(-1)!;
  if (count === 1) return mx.ones(mx.shape(a), mx.dtype(a));
  const half = count >> 1;
  const at = (x: Tensor, row: 0 | 1, column: 0 | 1): Tensor =>
    mx.sliceAxis(mx.sliceAxis(x, -2, row * half, row === 0 ? half : count), -1, column * half, column === 0 ? half : count);
  const parts = [at(a, 0, 0), at(a, 1, 1)];
  const together = (): Tensor[] => mx.split(inverse(mx.stack(parts, 0)), 2, 0).map(x => mx.squeeze(x, 0));
  const [first, second] = (count % 2 === 0 ? together() : parts.map(inverse)) as [Tensor, Tensor];
  const corner = mx.negative(mx.matmul(mx.matmul(second, at(a, 1, 0)), first));
  const top = mx.concatenate([first, mx.zeros([...mx.shape(a).slice(0, -2), half, count - half], mx.dtype(a))], -1);
  return mx.concatenate([top, mx.concatenate([corner, second], -1)], -2);
}
