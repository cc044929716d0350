// One stored block as the bytes of a file. Every bit is covered by the checksum, so that a file is whole or nothing.
//
//   "PIPPINKV" │ checksum of all that follows, 8 bytes │ length of the header, 4 bytes │ header, JSON │ padding │ data

/** What a file says of itself; `format` is the caller's and describes the data. */
export interface BlockHeader {
  readonly key: string;
  readonly ids: readonly number[];
  readonly format: unknown;
}

export interface BlockFile extends BlockHeader {
  readonly data: Uint32Array;
}

const MAGIC = new TextEncoder().encode("PIPPINKV");
const [CHECKSUM, LENGTH, HEADER] = [8, 16, 20]; // offsets

export function encodeBlock({ key, ids, format, data }: BlockFile): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ key, ids, format }));
  const start = dataStart(header.length);
  const file = new Uint8Array(start + data.byteLength);
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  view.setUint32(LENGTH, header.length, true);
  file.set(header, HEADER);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  view.setBigUint64(CHECKSUM, checksum(file), true);
  return file;
}

/** Undefined unless the bytes are exactly what `encodeBlock` made. */
export function decodeBlock(file: Uint8Array<ArrayBuffer>): BlockFile | undefined {
  if (file.length < HEADER || !MAGIC.every((byte, i) => file[i] === byte)) return undefined;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getBigUint64(CHECKSUM, true) !== checksum(file)) return undefined;
  const length = view.getUint32(LENGTH, true);
  const start = dataStart(length);
  const header = readHeader(file.subarray(HEADER, HEADER + length));
  if (header === undefined || (file.length - start) % 4 !== 0) return undefined;
  return { ...header, data: new Uint32Array(file.slice(start).buffer) };
}

/** A checksum is no proof of who wrote a file, so its header is looked at like any other input. */
function readHeader(bytes: Uint8Array): BlockHeader | undefined {
  try {
    const { key, ids, format } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<BlockHeader>;
    return typeof key === "string" && Array.isArray(ids) ? { key, ids, format } : undefined;
  } catch {
    return undefined; // no JSON, or null
  }
}

function dataStart(headerLength: number): number {
  return Math.ceil((HEADER + headerLength) / 8) * 8;
}

function checksum(file: Uint8Array): bigint {
  return Bun.hash.xxHash3(file.subarray(LENGTH) as Uint8Array<ArrayBuffer>);
}
