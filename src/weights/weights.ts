// A checkpoint's tensors by name, as the functions that layers are made of. Whether a matrix is dense or packed is decided here.
//
// Every tensor that is read is a kept handle owned by the Weights, which give all of them back together.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Adapters, Part } from "./adapters.ts";
import type { CheckpointTensor } from "./checkpoint.ts";
import { CheckpointError, quoted } from "./error.ts";
import { joinMatrices, kindOf, makeEmbedding, makeLinear, makeRows, type Embedding, type Linear, type Matrix } from "./matrix.ts";
import type { Packing } from "./packing.ts";
import { describeQuantization, inferQuantization, type Quantization, type LayerSettings } from "./quantization.ts";
import { besides, makeBackward, makeExperts, splitHeads, type Experts, type StackName } from "./stack.ts";
import { isFloat, Store, type StoreOptions } from "./store.ts";

/** How much of a model is stored in which way. */
interface WeightCounts {
  parameters: number; // before quantization
  readonly kinds: Map<string, number>; // "8-bit group 64", "bfloat16", … → parameters
  readonly packed: Map<string, Quantization>; // by the full name of the matrix
}

export interface OpenOptions extends StoreOptions {
  /** How dense matrices are packed; they stay dense without it. */
  readonly packing?: Packing | undefined;
  /** What is added to projections; whoever opened them ends their loading. */
  readonly adapters?: Adapters | undefined;
}

/** Scales of an fp8 checkpoint stand for squares of so many numbers. */
const FP8_BLOCK = 128;

export class Weights {
  private constructor(
    private readonly store: Store,
    private readonly settings: LayerSettings,
    private readonly options: OpenOptions,
    private readonly counts: WeightCounts,
    private readonly prefix: string,
  ) {}

  /** Opens the files of a checkpoint whose headers were checked. Call inside a scope, as all reading here. */
  static open(folder: string, tensors: ReadonlyMap<string, CheckpointTensor>, settings: LayerSettings, options: OpenOptions): Weights {
    return new Weights(new Store(folder, tensors, options), settings, options, { parameters: 0, kinds: new Map(), packed: new Map() }, "");
  }

  /** The same weights seen from a longer prefix: at("model").at("norm") reads "model.norm.…". */
  at(prefix: string): Weights {
    return new Weights(this.store, this.settings, this.options, this.counts, `${this.prefix}${prefix}.`);
  }

  has(name: string): boolean {
    return this.store.find(this.prefix + name) !== undefined;
  }

  /** The shape of a tensor that is there and was not read yet. */
  shape(name: string): readonly number[] | undefined {
    return this.store.find(this.prefix + name)?.shape;
  }

  tensor(name: string, shape?: readonly number[]): Tensor {
    const found = this.store.expect(this.prefix + name, shape);
    this.count(
      found.shape.reduce((a, b) => a * b, 1),
      found.dtype,
    );
    return this.store.take(found);
  }

  optional(name: string, shape?: readonly number[]): Tensor | undefined {
    return this.has(name) ? this.tensor(name, shape) : undefined;
  }

  /** A projection. `bias` is what config.json says; where it says nothing the checkpoint decides. */
  linear(name: string, inputs: number, outputs: number, bias?: boolean): Linear {
    const linear = this.adapted(makeLinear(this.matrix(name, outputs, inputs, bias), this.store), inputs, [{ path: this.prefix + name, outputs }]);
    this.store.settleSome();
    return linear;
  }

  /** Projections of the same input by name, with their outputs. Neighbours of equal kind are joined into one product. */
  linears<Name extends string>(inputs: number, outputs: Readonly<Record<Name, number>>, bias?: boolean): (x: Tensor) => Record<Name, Tensor> {
    const names = Object.keys(outputs) as Name[];
    const products = this.products(inputs, outputs, bias).map(splitting);
    return x => {
      const parts = {} as Record<Name, Tensor>;
      let i = 0;
      for (const product of products) for (const part of product(x)) parts[names[i++]!] = part;
      return parts;
    };
  }

  /** The same with all outputs in one tensor, one behind the other. */
  joined(inputs: number, outputs: Readonly<Record<string, number>>, bias?: boolean): Linear {
    const products = this.products(inputs, outputs, bias).map(({ linear }) => linear);
    return products.length === 1
      ? products[0]!
      : x =>
          mx.concatenate(
            products.map(linear => linear(x)),
            -1,
          );
  }

  /** Stacks of `count` experts that take the same input, each with `outputs`; their products lie one behind the other. */
  experts(names: readonly StackName[], count: number, inputs: number, outputs: number, bias = false): Experts {
    const stacks = names.map(name => this.stack(name, count, inputs, outputs, bias));
    const experts = runs(stacks).map(run => makeExperts(joinMatrices(run, this.store), this.store));
    this.store.settleSome();
    return besides(experts);
  }

  /** One matrix per head: [B, count, L, inputs] → [B, count, L, outputs]. */
  heads(name: string, count: number, inputs: number, outputs: number): Linear {
    return makeLinear(this.matrix(name, outputs, inputs, false, count), this.store);
  }

  /** A projection to `outputs` [first, second] of each head, as two stacks: the first applied backwards, the second as stored. */
  headPair(name: string, count: number, inputs: number, outputs: readonly [number, number]): [backward: Linear, forward: Linear] {
    const matrix = this.matrix(name, count * (outputs[0] + outputs[1]), inputs, false);
    const [first, second] = splitHeads(matrix, count, outputs[0], this.store);
    return [makeBackward(first, this.store), makeLinear(second, this.store)];
  }

  embedding(name: string, count: number, width: number): Embedding {
    const embedding = makeEmbedding(this.matrix(name, count, width, false), this.store);
    this.store.settleSome();
    return embedding;
  }

  /** An embedding that is never used as output projection: ids [...] → [..., width]. */
  rows(name: string, count: number, width: number): (ids: Tensor) => Tensor {
    const rows = makeRows(this.matrix(name, count, width, false));
    this.store.settleSome();
    return rows;
  }

  /** A root mean square norm; `offset` is added to the stored gain. */
  rmsNorm(name: string, width: number, eps: number, offset = 0): Linear {
    const gain = this.gain(name, width, offset);
    return x => mx.rmsNorm(x, gain, eps);
  }

  /** A norm of mean and variance. `bias` is what config.json says; where it says nothing the checkpoint decides. */
  layerNorm(name: string, width: number, eps: number, bias?: boolean): Linear {
    const [gain, shift] = [this.numbers(`${name}.weight`, [width]), this.bias(name, [width], bias)];
    return x => mx.layerNorm(x, gain, shift, eps);
  }

  /** The gain of a norm. */
  gain(name: string, width: number, offset = 0): Tensor {
    if (offset === 0) return this.numbers(`${name}.weight`, [width]);
    return this.made(`${name}.weight`, [width], gain => mx.add(gain, mx.scalar(offset, mx.dtype(gain))));
  }

  /** What `make` makes of a tensor of floating-point numbers. */
  made(name: string, shape: readonly number[], make: (stored: Tensor) => Tensor): Tensor {
    return this.store.replace([this.numbers(name, shape)], ([stored]) => make(stored!));
  }

  /** Reads another layout: what `make` makes of a stored tensor takes its place, under new names. Nothing happens where it is not stored. */
  derive(name: string, make: (stored: Tensor) => Readonly<Record<string, Tensor>>): void {
    const found = this.store.find(this.prefix + name);
    const named = (stored: Tensor) => Object.fromEntries(Object.entries(make(stored)).map(([made, tensor]) => [this.prefix + made, tensor]));
    if (found !== undefined) this.store.derive([found], ([stored]) => named(stored!));
  }

  /** Some checkpoints leave the outermost prefix out: their tensors are read as if they had it, all but those under `outside`. */
  nest(prefix: string, outside: string): void {
    this.store.nest(`${prefix}.`, `${outside}.`);
  }

  /** Makes a tensor that lives as long as the weights. */
  constant(make: () => Tensor): Tensor {
    return this.store.constant(make);
  }

  /** Says that the family has no use for a tensor, so that it does not count as unread. */
  skip(name: string): void {
    this.store.skip(this.prefix + name);
  }

  /** The same for all tensors under this prefix. */
  skipAll(): void {
    this.store.skipAll(this.prefix);
  }

  /** Ends loading: what was read is in memory. Returns the names of the tensors that no layer read. */
  finish(): string[] {
    return this.store.finish();
  }

  /** How each packed matrix is packed, by its full name. */
  get packed(): ReadonlyMap<string, Quantization> {
    return this.counts.packed;
  }

  /** Of weights that were opened to record: what was taken, as it is stored, by full name, as kept handles. All others are given back. */
  takeRecorded(): Map<string, Tensor> {
    return this.store.takeRecorded();
  }

  get bytes(): number {
    return this.store.bytes;
  }

  get parameters(): number {
    return this.counts.parameters;
  }

  /** How most parameters are stored: "8-bit group 64", "bfloat16", …; ", mixed" when matrices are packed in several ways. */
  get quantization(): string {
    const kinds = [...this.counts.kinds].sort((a, b) => b[1] - a[1]).map(([kind]) => kind);
    const packed = kinds.filter(kind => kind.includes("-bit"));
    if (packed.length === 0) return kinds[0] ?? "none";
    return packed.length === 1 ? packed[0]! : `${packed[0]}, mixed`;
  }

  /** Gives all tensors back; the functions made of them are of no use afterwards. */
  release(): void {
    this.store.release();
  }

  /** A stack whose matrices may be stored apart. */
  private stack({ whole, apart }: StackName, count: number, inputs: number, outputs: number, bias: boolean): Matrix {
    if (apart !== undefined && this.has(`${apart(0)}.weight`))
      this.gather(
        whole,
        Array.from({ length: count }, (_, i) => apart(i)),
      );
    return this.matrix(whole, outputs, inputs, bias, count);
  }

  /** Makes a stack of matrices that are stored apart; all must be stored in the same way. */
  private gather(whole: string, names: readonly string[]): void {
    const paths = names.map(name => this.prefix + name);
    for (const path of paths) this.widen(path);
    const ways = paths.map(path => `${this.store.expect(`${path}.weight`).dtype} ${this.store.find(`${path}.scales`)?.dtype}`);
    if (new Set(ways).size > 1) throw new CheckpointError(`matrices ${quoted(paths[0]!)} and following are stored in several ways`);
    for (const part of ["weight", "scales", "biases", "bias"]) {
      const found = this.store.find(`${paths[0]}.${part}`);
      if (found === undefined) continue;
      const parts = paths.map(path => this.store.expect(`${path}.${part}`, found.shape));
      this.store.derive(parts, stored => ({ [`${this.prefix}${whole}.${part}`]: mx.stack(stored, 0) }));
    }
  }

  /** A matrix of an fp8 checkpoint as bfloat16 numbers, its scales worked in (DeepSeek-V3's technical report, 3.3). */
  private widen(path: string): void {
    const [weight, scales] = [this.store.find(`${path}.weight`), this.store.find(`${path}.weight_scale_inv`)];
    if (weight === undefined || scales === undefined || weight.dtype !== "uint8") return;
    const [rows, columns] = weight.shape as [number, number];
    const blocks = [rows, columns].map(n => Math.ceil(n / FP8_BLOCK));
    const both = [weight, this.store.expect(scales.name, blocks)];
    this.store.derive(both, ([bytes, factors]) => ({ [weight.name]: descaled(bytes!, factors!, rows, columns) }));
  }

  /** Packs a dense matrix that is to be packed, in its place. */
  private pack(path: string, inputs: number): void {
    const weight = this.store.find(`${path}.weight`);
    const { packing } = this.options;
    if (packing === undefined || weight === undefined || !isFloat(weight.dtype) || weight.shape.at(-1) !== inputs) return;
    const quantization = this.settings.has(path) ? undefined : packing.of(path, inputs);
    if (quantization === undefined) return;
    this.store.derive([weight], ([stored]) => {
      const [words, scales, biases] = mx.quantize(packing.dtype === undefined ? stored! : mx.astype(stored!, packing.dtype), quantization);
      return { [`${path}.weight`]: words!, [`${path}.scales`]: scales!, ...(biases === undefined ? {} : { [`${path}.biases`]: biases }) };
    });
  }

  /** A matrix, or a stack of `count`. */
  private matrix(name: string, outputs: number, inputs: number, wantBias?: boolean, count?: number): Matrix {
    const lead = count === undefined ? [] : [count];
    const bias = this.bias(name, [...lead, outputs], wantBias);
    const rest = { outputs, ...(bias === undefined ? {} : { bias }) };
    const path = this.prefix + name;
    this.widen(path);
    this.pack(path, inputs);
    const quantization = this.packing(path, inputs);
    const weight = this.store.expect(`${path}.weight`, [...lead, outputs, quantization ? (inputs * quantization.bits) / 32 : inputs]);
    if (quantization === false) {
      this.count((count ?? 1) * outputs * inputs, weight.dtype);
      return { type: "dense", weight: this.floats(weight), ...rest };
    }
    if (weight.dtype !== "uint32") throw this.store.error(weight, `is of ${weight.dtype}, expected packed uint32`);
    this.count((count ?? 1) * outputs * inputs, describeQuantization(quantization));
    this.counts.packed.set(path, quantization);
    const groups = [...lead, outputs, inputs / quantization.groupSize];
    const scales = this.store.expect(`${path}.scales`, groups);
    const common = { type: "packed", weight: this.store.take(weight), quantization, ...rest } as const;
    if (quantization.mode === "affine")
      return { ...common, scales: this.floats(scales), biases: this.floats(this.store.expect(`${path}.biases`, groups)) };
    if (scales.dtype !== "uint8") throw this.store.error(scales, `is of ${scales.dtype}, expected uint8`);
    return { ...common, scales: this.store.take(scales) };
  }

  private packing(path: string, inputs: number): Quantization | false {
    const said = this.settings.get(path);
    if (said !== undefined) return said;
    const scales = this.store.find(`${path}.scales`);
    if (scales === undefined) return false;
    const weight = this.store.expect(`${path}.weight`);
    return inferQuantization(
      `${weight.file}: tensor ${quoted(weight.name)}`,
      inputs,
      weight.shape.at(-1) ?? 0,
      scales.shape.at(-1) ?? 0,
      scales.dtype,
    );
  }

  /** The bias of a layer. `wanted` is what config.json says; where it says nothing the checkpoint decides. */
  bias(name: string, shape: readonly number[], wanted: boolean | undefined): Tensor | undefined {
    if (wanted === false || (wanted === undefined && !this.has(`${name}.bias`))) return undefined;
    return this.numbers(`${name}.bias`, shape);
  }

  /** A tensor of floating-point numbers. */
  numbers(name: string, shape: readonly number[]): Tensor {
    const found = this.store.expect(this.prefix + name, shape);
    this.count(
      shape.reduce((a, b) => a * b, 1),
      found.dtype,
    );
    return this.floats(found);
  }

  private floats(found: CheckpointTensor): Tensor {
    if (!isFloat(found.dtype)) throw this.store.error(found, `is of ${found.dtype}, expected floating-point numbers`);
    return this.store.take(found);
  }

  private products(inputs: number, outputs: Readonly<Record<string, number>>, bias: boolean | undefined): Product[] {
    const parts = Object.entries(outputs).map(([name, count]) => ({ path: this.prefix + name, outputs: count }));
    const matrices = Object.entries(outputs).map(([name, count]) => this.matrix(name, count, inputs, bias));
    const products = runs(matrices).map(run => {
      const linear = makeLinear(joinMatrices(run, this.store), this.store);
      return { linear: this.adapted(linear, inputs, parts.splice(0, run.length)), outputs: run.map(m => m.outputs) };
    });
    this.store.settleSome();
    return products;
  }

  private adapted(linear: Linear, inputs: number, parts: readonly Part[]): Linear {
    return this.options.adapters?.beside(linear, inputs, parts, this.store) ?? linear;
  }

  private count(parameters: number, kind: string): void {
    this.counts.parameters += parameters;
    this.counts.kinds.set(kind, (this.counts.kinds.get(kind) ?? 0) + parameters);
  }
}

/** One matrix product and how its outputs are made up. */
interface Product {
  readonly linear: Linear;
  readonly outputs: readonly number[];
}

/** Numbers [rows, columns] out of fp8 bytes and the factors of their squares. */
function descaled(bytes: Tensor, factors: Tensor, rows: number, columns: number): Tensor {
  const spread = mx.repeat(mx.repeat(mx.astype(factors, "float32"), FP8_BLOCK, 0), FP8_BLOCK, 1);
  const cut = mx.slice(spread, [0, 0], [rows, columns]);
  return mx.astype(mx.multiply(mx.fromFp8(bytes, "float32"), cut), "bfloat16");
}

function splitting({ linear, outputs }: Product): (x: Tensor) => Tensor[] {
  if (outputs.length === 1) return x => [linear(x)];
  let end = 0;
  const cuts = outputs.slice(0, -1).map(count => (end += count));
  return x => mx.split(linear(x), cuts, -1);
}

/** Neighbours of equal kind together. */
function runs(matrices: readonly Matrix[]): Matrix[][] {
  const result: Matrix[][] = [];
  for (const matrix of matrices) {
    const last = result.at(-1);
    if (last !== undefined && kindOf(last[0]!) === kindOf(matrix)) last.push(matrix);
    else result.push([matrix]);
  }
  return result;
}
