// What the rows that decode hold: groups of rows of about the same length, which band-sizes.ts chooses.
//
//   band │ row 0 …………… │ row 1 ……… │        Projections and all else see the rows of all bands one behind the other. Only
//   band │ row 2 …………………………………………………… │  attention looks at each band for itself. With one band there is nothing to split,
//                                           and a step is that of KvRows alone.
import * as mx from "../mx/index.ts";
import type { Batch, LayerKv } from "../models/model.ts";
import { BAND_SIZES, rowsIn, sizeOf, type BandSizes } from "./band-sizes.ts";
import { placeRows, type Band } from "./place-rows.ts";
import type { KvRows } from "./rows.ts";

/** A slab may have so many times the room that its rows need: smaller ones are made when more than that is unused. */
const SLACK = 2;

export class KvBands {
  private bands: readonly KvRows[] = [];

  constructor(private readonly sizes: BandSizes = BAND_SIZES) {}

  /** What each layer of a model has for all rows; belongs to the last `begin`. */
  get layers(): readonly LayerKv[] {
    const [first, ...others] = this.bands;
    if (first === undefined) return [];
    return others.length === 0 ? first.layers : first.layers.map((_, layer) => across(this.bands, layer));
  }

  /** Tokens that each row holds. */
  get lengths(): readonly number[] {
    return this.bands.flatMap(({ lengths }) => lengths);
  }

  /** The group that a row is in, and its place there. */
  find(row: number): { readonly kv: KvRows; readonly row: number } {
    let place = row;
    for (const kv of this.bands) {
      if (place < kv.rows) return { kv, row: place };
      place -= kv.rows;
    }
    throw new RangeError(`there is no row ${row}`);
  }

  /** Opens a forward pass with one new token per row, as KvRows does. */
  begin(): Batch {
    const offsets = Int32Array.from(this.lengths);
    const [first, ...others] = this.bands.map(kv => kv.begin(1));
    if (first !== undefined && others.length === 0) return first;
    return { rows: offsets.length, length: 1, offsets: mx.fromArray(offsets, [offsets.length]) };
  }

  /** Takes `kv` in: its rows are behind all others, in buffers of their own until `settle`. */
  join(kv: KvRows): void {
    this.bands = [...this.bands, kv];
  }

  /**
   * Drops the rows `leaving` and brings every other one into the band where it belongs by now: its own row is copied at most,
   * and a band that grows. Returns which row each row was before.
   */
  settle(leaving: ReadonlySet<number>): number[] {
    let before = 0;
    const bands = this.bands.map((kv): Band => ({ kv, rows: kv.lengths.map(() => before++) }));
    const placed = placeRows(bands, leaving, this.sizes);
    this.bands = placed.map(({ kv }) => kv);
    this.fit(SLACK);
    return placed.flatMap(({ rows }) => rows);
  }

  /** Gives back all room that no row needs. */
  tighten(): void {
    this.fit(1);
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.bands.reduce((sum, kv) => sum + kv.bytes, 0);
  }

  get stateBytes(): number {
    return this.bands.reduce((sum, kv) => sum + kv.stateBytes, 0);
  }

  release(): void {
    for (const kv of this.bands) kv.release();
    this.bands = [];
  }

  /** Throws when a row is not where it belongs; tests call it after `settle`. */
  check(): void {
    const count = new Map<number, number[]>();
    for (const kv of this.bands) {
      const [size, ...others] = new Set(kv.lengths.map(length => sizeOf(length + 1, this.sizes)));
      if (size === undefined || others.length > 0) throw new Error(`a band holds rows of ${kv.lengths.join(", ")} tokens`);
      if (kv.rows > rowsIn(size, this.sizes)) throw new Error(`a band of size ${size} holds ${kv.rows} rows`);
      count.set(size, [...(count.get(size) ?? []), kv.rows]);
    }
    for (const [size, rows] of count) {
      const needed = Math.ceil(rows.reduce((sum, n) => sum + n, 0) / rowsIn(size, this.sizes));
      if (rows.length > needed) throw new Error(`${rows.length} bands of size ${size} where ${needed} would do`);
    }
  }

  private fit(slack: number): void {
    for (const kv of this.bands) kv.fit(slack);
  }
}

/** One layer over several bands. */
function across(bands: readonly KvRows[], layer: number): LayerKv {
  const held = bands.map(kv => kv.layers[layer]!);
  let end = 0;
  const cuts = bands.slice(0, -1).map(kv => (end += kv.rows));
  const split = (all: mx.Tensor): mx.Tensor[] => mx.split(all, cuts, 0);
  return {
    attend(queries, keys, values, batch, options) {
      const [q, k, v] = [split(queries), split(keys), split(values)];
      const found = held.map((kv, band) => kv.attend(q[band]!, k[band]!, v[band]!, batch, options));
      return mx.concatenate(found, 0);
    },
    attendJoined(projected, batch, heads) {
      const parts = split(projected);
      const found = held.map((kv, band) => kv.attendJoined?.(parts[band]!, { ...batch, rows: bands[band]!.rows }, heads));
      return found.every(one => one !== undefined) ? mx.concatenate(found, 0) : undefined;
    },
    look(queries, batch, options) {
      const q = split(queries);
      const found = held.map((kv, band) => kv.look(q[band]!, batch, options));
      return mx.concatenate(found, 0);
    },
    carry(input, advance) {
      const before = held.map(kv => kv.tensors());
      const joined = before[0]!.map((_, state) =>
        mx.concatenate(
          before.map(states => states[state]!),
          0,
        ),
      );
      const { output, states } = advance(joined);
      const after = states.map(split);
      held.forEach((kv, band) => kv.carry(input, () => ({ output, states: after.map(parts => parts[band]!) })));
      return output;
    },
  };
}
