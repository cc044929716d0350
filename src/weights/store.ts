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

export class Store implements Owner {
  private readonly loaded = new Map<string, Tensor>(); // kept handles nobody took yet
  private readonly owned = new Set<Tensor>(); // kept handles that live until release
  private readonly views = new Set<Tensor>(); // likewise, sharing the data of an owned one
  private pending: Tensor[] = [];
  private pendingBytes = 0;

  private readonly tensors: Map<string, CheckpointTensor>;

  constructor(
    folder: string,
    tensors: ReadonlyMap<string, CheckpointTensor>,
    readonly turned: boolean,
  ) {
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
    if (mx.device() !== "cpu" || !isFloat(dtype) || dtype === "float32") return this.own(tensor);
    return this.replace([tensor], ([stored]) => mx.astype(stored!, "float32"));
  }

  replace(parts: readonly Tensor[], make: (parts: readonly Tensor[]) => Tensor): Tensor {
    const made = this.own(mx.keep(make(parts)));
    for (const part of parts) this.drop(part);
    return made;
  }

  /** Puts what `make` makes of a tensor that nobody took in its place, under full names of their own; that may be the tensor itself. */
  derive({ name, file }: CheckpointTensor, make: (stored: Tensor) => Readonly<Record<string, Tensor>>): void {
    const stored = this.loaded.get(name)!;
    const made = Object.entries(make(stored));
    this.loaded.delete(name);
    for (const [newName, tensor] of made) {
      this.loaded.set(newName, mx.keep(tensor));
      this.tensors.set(newName, { name: newName, file, dtype: mx.dtype(tensor), shape: mx.shape(tensor), begin: 0, end: 0 });
    }
    if (!made.some(([, tensor]) => tensor === stored)) mx.release(stored);
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
    for (const tensor of [...this.views, ...this.owned]) mx.release(tensor);
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
    if (this.pendingBytes < limit) return;
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
