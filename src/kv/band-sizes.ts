// Which rows of a batch share slabs: those of about the same length, so that a short row does not pay for a long one.
//
// A row belongs to the smallest size that has room for it and the token it gets next. A band holds rows of one size, and no
// more than `positions` in all, which bounds what is copied when it grows or a row joins it. Rows longer than all sizes have
// a band each: the buffers that they were read into become their band, and nothing is copied.

export interface BandSizes {
  readonly shortest: number; // positions; sizes grow fourfold from here …
  readonly longest: number; // … to here
  readonly positions: number; // in one band
}

export const BAND_SIZES: BandSizes = { shortest: 1024, longest: 16_384, positions: 131_072 };

const GROWTH = 4;

/** The size of a row that holds `length` positions; Infinity has a band to itself. */
export function sizeOf(length: number, { shortest, longest }: BandSizes): number {
  if (length > longest) return Infinity;
  let size = shortest;
  while (size < length) size *= GROWTH;
  return size;
}

/** How many rows of a size share a band. */
export function rowsIn(size: number, { positions }: BandSizes): number {
  return Math.max(1, Math.floor(positions / size));
}

/** Slots double when they grow. */
export function slotsFor(rows: number): number {
  return rows === 0 ? 0 : 2 ** Math.ceil(Math.log2(rows));
}
