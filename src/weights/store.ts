// The tensors of one checkpoint while it is loaded and used: which are there, which were read, and who gives them back.
//
// MLX loads lazily, so a tensor costs memory when it is evaluated. `settle` does that every few hundred megabytes: what was joined or
// cast is then made, and the parts it was made of are gone.
import { join } from "node:path";
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";
import type { CheckpointTensor } from "./checkpoint.ts";
import { CheckpointError, quoted } from "./error.ts";
import type { Owner } from "./matrix.ts";

const SETTLE_BYTES = 256 * 2 ** 20;

export interface StoreOptions {
  /** Matrices are unpacked and turned for the CPU back end when they are read. */
  readonly turned: boolean;
  /** Nothing is computed; what is taken is remembered as it is stored, for whoever writes it elsewhere. */
  readonly records?: boolean;
}

export class Store implements Owner {
  /** With `records`: kept handles of all that was taken, by name. They are given back with the rest. */
  private readonly recorded = new Map<string, Tensor>();
  readonly turned: boolean;
  private readonly loaded = new Map<string, Tensor>(); // kept handles nobody took yet
  private readonly owned = new Set<Tensor>(); // kept handles that live until release
  private readonly views = new Set<Tensor>(); // likewise, sharing the data of an owned one
  private pending: Tensor[] = [];
  private pendingBytes = 0;

  private readonly tensors: Map<string, CheckpointTensor>;

  constructor(
    folder: string,
    tensors: ReadonlyMap<string, CheckpointTensor>,
    private readonly options: StoreOptions,
  ) {
    this.turned = options.turned;
    this.tensors = new Map(tensors);
    try {
      for (const file of new Set([...tensors.values()].map(t => t.file)))
        for (const [name, tensor] of mx.loadSafetensors(join(folder, file))) this.loaded.set(name, tensor);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** What the header says of a tensor that has not been taken yet. */
  find(name: string): CheckpointTensor | undefined {
    return this.loaded.has(name) ? this.tensors.get(name) : undefined;
  }

  /** The description of a tensor that must be there, of this shape when one is given. */
  expect(name: string, shape?: readonly number[]): CheckpointTensor {
    const found = this.find(name);
    if (found === undefined) throw new CheckpointError(`${this.files()}: tensor ${quoted(name)} is missing`);
    if (shape !== undefined && !sameShape(found.shape, shape))
      throw this.error(found, `has shape [${found.shape.join(", ")}], expected [${shape.join(", ")}]`);
    return found;
  }

  /** Hands the tensor over: numbers as float32 on the CPU, where that is much faster; otherwise as stored. */
  take({ name, dtype }: CheckpointTensor): Tensor {
    const tensor = this.loaded.get(name)!;
    this.loaded.delete(name);
    if (this.options.records) this.recorded.set(name, mx.keep(mx.reshape(tensor, mx.shape(tensor)))); // a handle of its own
    if (mx.device() !== "cpu" || !isFloat(dtype) || dtype === "float32") return this.own(tensor);
    return this.replace([tensor], ([stored]) => mx.astype(stored!, "float32"));
  }

  replace(parts: readonly Tensor[], make: (parts: readonly Tensor[]) => Tensor): Tensor {
    const made = this.own(mx.keep(make(parts)));
    for (const part of parts) this.drop(part);
    return made;
  }

  /** Puts what `make` makes of tensors that nobody took in their place, under full names of their own; it may give them on as they are. */
  derive(parts: readonly CheckpointTensor[], make: (stored: readonly Tensor[]) => Readonly<Record<string, Tensor>>): void {
    const stored = parts.map(part => this.loaded.get(part.name)!);
    const { file } = parts[0]!;
    const made = Object.entries(make(stored));
    for (const { name } of parts) this.loaded.delete(name);
    for (const [name, tensor] of made) {
      this.loaded.set(name, mx.keep(tensor));
      this.tensors.set(name, { name, file, dtype: mx.dtype(tensor), shape: mx.shape(tensor), begin: 0, end: 0 });
    }
    for (const tensor of stored) if (!made.some(([, kept]) => kept === tensor)) mx.release(tensor);
  }

  /** Puts `prefix` before all names but those that begin with `outside`; nothing happens where a name has it already. */
  nest(prefix: string, outside: string): void {
    const names = [...this.loaded.keys()];
    if (names.some(name => name.startsWith(prefix))) return;
    for (const name of names.filter(name => !name.startsWith(outside))) {
      const nested = prefix + name;
      this.loaded.set(nested, this.loaded.get(name)!);
      this.tensors.set(nested, { ...this.tensors.get(name)!, name: nested });
      this.loaded.delete(name);
    }
  }

  /** Gives up a tensor that is not needed; missing ones are fine. */
  skip(name: string): void {
    const tensor = this.loaded.get(name);
    if (tensor === undefined) return;
    this.loaded.delete(name);
    mx.release(tensor);
  }

  skipAll(prefix: string): void {
    for (const name of [...this.loaded.keys()]) if (name.startsWith(prefix)) this.skip(name);
  }

  /** Hands the recorded tensors over and gives all others back; nothing of the model is of use afterwards. */
  takeRecorded(): Map<string, Tensor> {
    const taken = new Map(this.recorded);
    this.recorded.clear();
    this.release();
    return taken;
  }

  /** Evaluates what was taken, and gives back what nobody took; returns the names of those. */
  finish(): string[] {
    this.settle();
    const unread = [...this.loaded.keys()].sort();
    for (const name of unread) this.skip(name);
    return unread;
  }

  release(): void {
    this.pending = [];
    for (const name of [...this.loaded.keys()]) this.skip(name);
    for (const tensor of [...this.views, ...this.owned, ...this.recorded.values()]) mx.release(tensor);
    this.recorded.clear();
    this.views.clear();
    this.owned.clear();
  }

  get bytes(): number {
    return [...this.owned].reduce((sum, t) => sum + mx.byteSize(t), 0);
  }

  error(tensor: CheckpointTensor, what: string): CheckpointError {
    return new CheckpointError(`${tensor.file}: tensor ${quoted(tensor.name)} ${what}`);
  }

  /** Takes over a kept handle until release. */
  private own(tensor: Tensor): Tensor {
    this.owned.add(tensor);
    this.pending.push(tensor);
    this.pendingBytes += mx.byteSize(tensor);
    return tensor;
  }

  view(make: () => Tensor): Tensor {
    const tensor = mx.keep(make());
    this.views.add(tensor);
    this.pending.push(tensor);
    return tensor;
  }

  constant(make: () => Tensor): Tensor {
    return this.own(mx.keep(make()));
  }

  /** Evaluates what is pending once that is much. Call between matrices, when no part waits to be joined. */
  settle(limit = 0): void {
    if (this.pendingBytes < limit || this.options.records) return;
    mx.evaluate(...this.pending.filter(t => this.owned.has(t) || this.views.has(t)));
    this.pending = [];
    this.pendingBytes = 0;
  }

  settleSome(): void {
    this.settle(SETTLE_BYTES);
  }

  drop(tensor: Tensor): void {
    this.owned.delete(tensor);
    mx.release(tensor);
  }

  private files(): string {
    const files = new Set([...this.tensors.values()].map(t => t.file));
    return files.size === 1 ? [...files][0]! : "model.safetensors.index.json";
  }
}

export function isFloat(dtype: Dtype): boolean {
  return dtype === "float32" || dtype === "bfloat16" || dtype === "float16";
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
