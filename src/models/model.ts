// What a model family is to the engine: three functions over tensors and the kv each layer needs.
import type { Dtype, HeadTurn, Tensor } from "../mx/index.ts";
import type { Weights } from "../weights/weights.ts";

/** The rows of one forward pass; all bring the same number of new ids. */
export interface Batch {
  readonly rows: number; // B
  readonly length: number; // L: new ids per row; 1 while decoding
  readonly offsets: Tensor; // [B] int32: position of each row's first new id
  readonly positions?: Tensor; // [L] int32: of each id, where the one row is several texts one behind the other
  readonly adapters?: Tensor | undefined; // [B] int32: of each row, 0 is none; absent where no row has one
}

/** What a layer keeps of the tokens behind it; the kv is chosen by this. */
export type LayerLayout = AttentionLayout | RecurrentLayout;

/** Keys and values of every position, or of those in its window. */
export interface AttentionLayout {
  readonly kvHeads: number;
  readonly headDim: number; // of keys
  readonly valueDim?: number; // when it differs from headDim
  readonly window?: number; // sliding window in positions; undefined is full attention
  readonly quantized?: KvQuantization; // chosen by who serves the model
}

/** How keys and values are packed, each position for itself. */
export interface KvQuantization {
  readonly bits: 4 | 8;
  readonly groupSize: number;
  readonly mode: "affine";
  readonly from: number; // positions before this one stay as they are
}

/** States of one size, however many tokens they sum up; a layer that looks at one token alone, or at what another layer keeps, has none. */
export interface RecurrentLayout {
  readonly states: readonly StateLayout[];
}

export interface StateLayout {
  readonly shape: readonly number[]; // of one row
  readonly dtype?: Dtype; // that of the layer's input without it
}

export interface AttendOptions {
  readonly scale: number; // of the products of queries with keys
  readonly softcap?: number; // scaled products become softcap · tanh(product / softcap)
  readonly sinks?: Tensor; // [heads]: one more logit per head, which takes weight and gives no value
}

/** What becomes of a joined projection's heads before keys are stored and queries attend. */
export interface JoinedHeads extends HeadTurn {
  readonly heads: number; // of queries
  readonly scale: number;
}

/** What one layer keeps for all rows of a batch. A layer calls what its layout is made for. */
export interface LayerKv {
  /**
   * Stores the new keys and values, then attends: queries [B, heads, L, D] over everything that its row holds.
   * keys and values are [B, kvHeads, L, D]. Returns [B, heads, L, valueDim].
   */
  attend(queries: Tensor, keys: Tensor, values: Tensor, batch: Batch, options: AttendOptions): Tensor;
  /**
   * What `attend` does, from the joined projection [B, L, (heads + 2 kvHeads) D] whose heads are still to be normed and turned; returns
   * [B, L, heads D]. Undefined where there is no kernel for it: then nothing has happened.
   */
  attendJoined?(projected: Tensor, batch: Batch, heads: JoinedHeads): Tensor | undefined;
  /** Attends over the same as this pass's `attend` did, which came before, and stores nothing: for layers that share another one's keys and values. */
  look(queries: Tensor, batch: Batch, options: AttendOptions): Tensor;
  /** Hands `advance` the states of all rows, [B, …shape], zeros before the first token; keeps those that it returns, and returns its output. */
  carry(input: Tensor, advance: Advance): Tensor;
}

export type Advance = (states: readonly Tensor[]) => { readonly output: Tensor; readonly states: readonly Tensor[] };

export interface Model {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly layout: readonly LayerLayout[]; // one per layer
  /** ids [B, L] → [B, L, hidden]. Apart from forward so that other modalities can replace rows. */
  embed(ids: Tensor): Tensor;
  /** [B, L, hidden] → [B, L, hidden], after the last norm. ids [B, L] are those that were embedded: some layers look at them again. */
  forward(hidden: Tensor, batch: Batch, kv: readonly LayerKv[], ids: Tensor): Tensor;
  /** [..., hidden] → [..., vocabSize] float32. */
  logits(hidden: Tensor): Tensor;
}

/** One family: how its config.json is read (throws CheckpointError naming the field) and how the model is built. */
export interface Family<Config> {
  readConfig(json: Readonly<Record<string, unknown>>): Config;
  build(weights: Weights, config: Config): Model;
  /** The same with another window in the layers that have one, where users may choose it; undefined gives them full attention. */
  withWindow?(config: Config, window: number | undefined): Config;
}
