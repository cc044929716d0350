// Brings rows into the bands where they belong. A band's size is that of its shortest row.
import { rowsIn, sizeOf, type BandSizes } from "./band-sizes.ts";
import type { KvRows } from "./rows.ts";

/** A group of rows, and which row of the whole batch each of them was. */
export interface Band {
  readonly kv: KvRows;
  readonly rows: number[];
}

/** Drops the rows `leaving`. Afterwards all rows of a band are of one size, no band has too many, and no size has more bands than it needs. */
export function placeRows(bands: readonly Band[], leaving: ReadonlySet<number>, sizes: BandSizes): Band[] {
  for (const { kv, rows } of leaving.size === 0 ? [] : bands) {
    const order = kv.remove(new Set(rows.flatMap((row, place) => (leaving.has(row) ? [place] : []))));
    rows.splice(0, Infinity, ...order.map(place => rows[place]!));
  }
  const alike = bands.filter(({ kv }) => kv.rows > 0).flatMap(band => [band, ...takeOut(band, sizes)]);
  const bySize = Map.groupBy(alike, ({ kv }) => sizeOf(Math.min(...kv.lengths) + 1, sizes));
  return [...bySize].toSorted(([a], [b]) => a - b).flatMap(([size, group]) => merge(group, rowsIn(size, sizes)));
}

/** Moves rows that outgrew a band, or that are too many, into bands of their own. */
function takeOut(band: Band, sizes: BandSizes): Band[] {
  const size = sizeOf(Math.min(...band.kv.lengths) + 1, sizes);
  const taken: Band[] = [];
  eachBackwards(band, place => {
    const fits = sizeOf(band.kv.lengths[place]! + 1, sizes) === size && band.kv.rows <= rowsIn(size, sizes);
    if (fits) return;
    const rows = [band.rows[place]!];
    taken.push({ kv: band.kv.extract(place), rows });
    close(band.rows, place);
  });
  return taken;
}

/** Bands of one size: while one less would do, the smallest moves into the others. */
function merge(bands: readonly Band[], most: number): Band[] {
  const kept = bands.toSorted((a, b) => b.kv.rows - a.kv.rows);
  const total = kept.reduce((sum, { kv }) => sum + kv.rows, 0);
  while (kept.length > 1 && total <= (kept.length - 1) * most) {
    const { kv, rows } = kept.pop()!;
    rows.forEach((row, place) => {
      const into = kept.find(band => band.kv.rows < most)!;
      into.kv.take(kv, place);
      into.rows.push(row);
    });
    kv.release();
  }
  return kept;
}

/** The last one moves into the gap, as KvRows has it. */
function close(rows: number[], place: number): void {
  const last = rows.pop()!;
  if (place < rows.length) rows[place] = last;
}

/** Whatever `visit` removes at its place, the ones before it stay where they are. */
function eachBackwards({ rows }: Band, visit: (place: number) => unknown): void {
  for (let place = rows.length - 1; place >= 0; place--) visit(place);
}
