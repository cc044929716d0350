// Rows in bands against the same rows alone: random walks in which rows join, grow from band to band and leave, bit for bit.
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { rowsIn, sizeOf, type BandSizes } from "../../src/kv/band-sizes.ts";
import { KvBands } from "../../src/kv/bands.ts";
import { rowsCost } from "../../src/kv/cost.ts";
import { withQuantizedKv } from "../../src/kv/quantization.ts";
import { KvRows } from "../../src/kv/rows.ts";
import { loadModel } from "../../src/models/load.ts";
import type { AttentionLayout, Batch, LayerKv, Model } from "../../src/models/model.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";
import { openRandomModel } from "../helpers/random-model.ts";
import { dice } from "../helpers/sequences.ts";

const SIZES: BandSizes = { shortest: 8, longest: 32, positions: 64 };

interface Opened {
  readonly model: Model;
  close(): void;
}

function golden(name: string): Opened {
  const { model, weights } = loadModel(join(import.meta.dir, "../golden", name));
  return { model, close: () => weights.release() };
}

function packed(bits: 4 | 8, minTokens: number, window?: number): Opened {
  const { model, close } = openRandomModel(window);
  return { model: withQuantizedKv(model, { bits, groupSize: 32, minTokens }, 8), close };
}

const KINDS: Record<string, () => Opened> = {
  "full attention": () => golden("qwen3/float32"),
  windows: () => golden("mistral/window"),
  "8 bits from the start": () => packed(8, 0),
  "4 bits behind 16 positions, with a window": () => packed(4, 16, 11),
  latents: () => golden("deepseek_v2/plain"),
  "shared keys and values": () => golden("gemma4_text/plain"),
  "states and attention": () => golden("qwen3_next/plain"),
  "states alone": () => golden("mamba2/plain"),
};

beforeAll(openForTests);

test("sizes grow fourfold, and bands of long rows hold few", () => {
  const sizes = { shortest: 8, longest: 128, positions: 256 };
  expect([1, 8, 9, 32, 33, 128, 129].map(length => sizeOf(length, sizes))).toEqual([8, 8, 32, 32, 128, 128, Infinity]);
  expect([8, 32, 128, Infinity].map(size => rowsIn(size, sizes))).toEqual([32, 8, 2, 1]);
});

/** The id that sequence `id` has at a position. */
const idAt = (id: number, at: number, vocabSize: number): number => (id * 31 + at * at * 7 + at) % vocabSize;

/** What the model makes of `length` more ids of each sequence; one array per row. */
function advance(model: Model, batch: Batch, kv: readonly LayerKv[], ids: readonly number[], at: readonly number[]): number[][] {
  const { rows, length } = batch;
  const fed = Uint32Array.from({ length: rows * length }, (_, n) => {
    const row = Math.floor(n / length);
    return idAt(ids[row]!, at[row]! + (n % length), model.vocabSize);
  });
  const tensor = mx.fromArray(fed, [rows, length]);
  const made = mx.toFloat32(model.forward(model.embed(tensor), batch, kv, tensor));
  return ids.map((_, row) => [...made.subarray((row * made.length) / rows, ((row + 1) * made.length) / rows)]);
}

/** Of two lists of numbers, against the size of the second. */
function distance(a: readonly number[], b: readonly number[]): number {
  const squares = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n * n, 0);
  return Math.sqrt(squares(a.map((n, i) => n - b[i]!)) / squares(b));
}

interface Row {
  readonly id: number;
  readonly alone: KvRows;
}

/** A batch in bands, and beside it each of its rows alone. */
class Walk {
  readonly bands = new KvBands(SIZES);
  rows: Row[] = [];
  private lastId = 0;

  constructor(
    private readonly model: Model,
    private readonly backend: mx.Backend,
  ) {}

  join(chunks: readonly number[], count = 1): void {
    const group = new KvRows(this.model.layout, this.backend);
    for (let i = 0; i < count; i++) {
      const id = ++this.lastId;
      mx.scope(() => group.join(this.read(id, chunks)));
      this.rows.push({ id, alone: this.read(id, chunks) });
    }
    this.bands.join(group);
  }

  private read(id: number, chunks: readonly number[]): KvRows {
    const kv = new KvRows(this.model.layout, this.backend);
    kv.addRow();
    for (const length of chunks) {
      const at = [...kv.lengths];
      mx.scope(() => advance(this.model, kv.begin(length), kv.layers, [id], at));
    }
    return kv;
  }

  settle(leaving: ReadonlySet<number>): void {
    for (const row of leaving) this.rows[row]!.alone.release();
    this.rows = mx.scope(() => this.bands.settle(leaving)).map(row => this.rows[row]!);
    this.bands.check();
    expect(this.bands.lengths).toEqual(this.rows.map(({ alone }) => alone.lengths[0]!));
  }

  step(): void {
    const [ids, { lengths }] = [this.rows.map(({ id }) => id), this.bands];
    const together = mx.scope(() => {
      const batch = this.bands.begin();
      return advance(this.model, batch, this.bands.layers, ids, lengths);
    });
    this.rows.forEach(({ id, alone }, row) => {
      const [own] = mx.scope(() => advance(this.model, alone.begin(1), alone.layers, [id], [lengths[row]!]));
      if (this.backend === "cpu") expect(together[row]!).toEqual(own!);
      else expect(distance(together[row]!, own!)).toBeLessThan(0.01); // CUDA's steps attend in other forms alone and together
    });
  }

  release(): void {
    this.bands.release();
    for (const { alone } of this.rows) alone.release();
  }
}

test.each(Object.entries(KINDS))("%s: every row gets what it gets alone, on the CPU bit for bit", (_, open) => {
  const before = mx.liveHandles();
  const { model, close } = open();
  const sizes = new Set<number>();
  for (const [seed, backend] of (["cpu", "cuda"] as const).entries()) {
    const { below, next } = dice(seed);
    const cost = rowsCost(model.layout, 4, { sizes: SIZES, backend });
    const walk = new Walk(model, backend);
    for (let turn = 0; turn < 40; turn++) {
      walk.settle(new Set(walk.rows.flatMap((_, row) => (next() < 0.05 ? [row] : []))));
      const lengths = walk.bands.lengths.map(length => length + 1);
      expect(walk.bands.bytes + walk.bands.stateBytes).toBeLessThanOrEqual(2 * cost([], lengths));
      if (turn % 5 === 0) {
        mx.scope(() => walk.bands.tighten());
        expect(walk.bands.bytes + walk.bands.stateBytes).toBeLessThanOrEqual(cost([], lengths));
      }
      for (const length of lengths) sizes.add(sizeOf(length, SIZES));
      if (walk.rows.length > 0) walk.step();
      if (walk.rows.length < 16) walk.join([1 + below(7), 1 + below(next() < 0.3 ? 40 : 9)].slice(below(2)), 1 + below(3));
    }
    walk.release();
    expect(walk.bands.bytes + walk.bands.stateBytes).toBe(0);
  }
  expect([...sizes].toSorted((a, b) => a - b)).toEqual([8, 32, Infinity]);
  close();
  expect(mx.liveHandles()).toBe(before);
});

describe("a step", () => {
  /** The primitives of a step of rows that hold so many tokens. */
  function primitives(model: Model, kv: KvRows | KvBands, lengths: readonly number[]): Record<string, number> {
    return mx.scope(() => {
      const batch = kv.begin(1);
      const ids = mx.fromArray(new Uint32Array(lengths.length), [lengths.length, 1]);
      return Object.fromEntries(mx.primitives([model.forward(model.embed(ids), batch, kv.layers, ids)]));
    });
  }

  /** A group of rows that hold so many tokens, at rest. */
  function filled(model: Model, lengths: readonly number[]): KvRows {
    const kv = new KvRows(model.layout);
    for (const length of lengths) {
      const own = new KvRows(model.layout);
      own.addRow();
      mx.scope(() => advance(model, own.begin(length), own.layers, [length], [0]));
      mx.scope(() => kv.join(own));
    }
    mx.evaluate(...kv.layers.flatMap(layer => layer.tensors()));
    return kv;
  }

  test("of rows in one band has the primitives that it has without bands", () => {
    const { model, close } = golden("qwen3_next/plain");
    const lengths = [3, 5, 6];
    const [plain, bands] = [filled(model, lengths), new KvBands(SIZES)];
    for (const length of lengths) bands.join(filled(model, [length]));
    mx.scope(() => bands.settle(new Set()));
    mx.evaluate(...bands.find(0).kv.layers.flatMap(layer => layer.tensors()));
    expect(primitives(model, bands, lengths)).toEqual(primitives(model, plain, lengths));
    for (const kv of [plain, bands]) kv.release();
    close();
  });

  test("lets a layer look at what another one has stored of the rows in all bands", () => {
    const bands = new KvBands(SIZES);
    const { model, close } = golden("qwen3/float32");
    for (const length of [3, 20]) bands.join(filled(model, [length]));
    const [{ kvHeads, headDim }] = model.layout as [AttentionLayout];
    mx.scope(() => {
      const tensor = (heads: number) =>
        mx.fromArray(
          Float32Array.from({ length: 2 * heads * headDim }, (_, i) => Math.sin(i)),
          [2, heads, 1, headDim],
        );
      const batch = bands.begin();
      const [layer] = bands.layers as [LayerKv];
      const found = layer.attend(tensor(2 * kvHeads), tensor(kvHeads), tensor(kvHeads), batch, { scale: 1 });
      expect(mx.toFloat32(layer.look(tensor(2 * kvHeads), batch, { scale: 1 }))).toEqual(mx.toFloat32(found));
    });
    bands.release();
    close();
  });

  test("of rows in two bands attends twice in each layer and does all else once", () => {
    const { model, close } = golden("qwen3/float32");
    const bands = new KvBands(SIZES);
    for (const length of [3, 20]) bands.join(filled(model, [length]));
    mx.scope(() => bands.settle(new Set()));
    const plain = filled(model, [3, 20]);
    const [one, two] = [primitives(model, plain, [3, 20]), primitives(model, bands, [3, 20])];
    const layers = model.layout.length;
    const more = (name: string): number => (two[name] ?? 0) - (one[name] ?? 0);
    expect(["Softmax", "Concatenate"].map(more)).toEqual([layers, layers]);
    expect(more("Matmul")).toBe(2 * layers); // the CPU's attention is made of two products
    expect(["RMSNorm", "Turn", "SwiGLU", "Gather", "Cos"].map(more)).toEqual([0, 0, 0, 0, 0]);
    for (const kv of [plain, bands]) kv.release();
    close();
  });
});
