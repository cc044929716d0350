// Reads and checks the header of a safetensors file, so that MLX only sees files whose every tensor lies inside them.
//
//   │ 8 bytes: header length n │ n bytes: JSON, name → dtype, shape, data_offsets │ data, where offsets count from its start │
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Dtype } from "../mx/index.ts";
import { CheckpointError, quoted } from "./error.ts";
import { isObject } from "../util/json.ts";

export interface StoredTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number; // bytes from the start of the data
  readonly end: number;
}

const MAX_HEADER = 100_000_000; // the format's own limit
const MAX_DIMENSION = 2 ** 31 - 1; // MLX counts in 32 bits
const MAX_DIMENSIONS = 16;
const INCOMPLETE = "; the download may be incomplete";

const dtypes: Readonly<Record<string, readonly [dtype: Dtype, bytes: number]>> = {
  BOOL: ["bool", 1],
  U8: ["uint8", 1],
  I8: ["int8", 1],
  U16: ["uint16", 2],
  I16: ["int16", 2],
  U32: ["uint32", 4],
  I32: ["int32", 4],
  U64: ["uint64", 8],
  I64: ["int64", 8],
  F8_E4M3: ["uint8", 1], // MLX reads the bytes
  F16: ["float16", 2],
  BF16: ["bfloat16", 2],
  F32: ["float32", 4],
};

/** All tensors of a safetensors file. Throws CheckpointError unless each has its bytes inside the file to itself. */
export function readHeader(path: string): StoredTensor[] {
  const file = basename(path);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new CheckpointError(`${file}: no such file`);
  const fd = openSync(path, "r");
  try {
    const size = fstatSync(fd).size;
    const length = readLength(fd, size, file);
    const text = new TextDecoder("utf-8", { fatal: true });
    const header = parseHeader(file, () => text.decode(readBytes(fd, 8, length, file)));
    const tensors = Object.entries(header).flatMap(([name, value]) => {
      if (name === "__metadata__") return checkMetadata(value, file);
      return [readEntry(name, value, size - 8 - length, file)];
    });
    checkDisjoint(tensors, file);
    return tensors;
  } finally {
    closeSync(fd);
  }
}

function readLength(fd: number, size: number, file: string): number {
  if (size < 8) throw new CheckpointError(`${file}: truncated, ${size} bytes are no safetensors file${INCOMPLETE}`);
  const start = readBytes(fd, 0, 8, file);
  if (start.toString("latin1") === "version ")
    throw new CheckpointError(`${file}: a pointer of Git LFS, not the file itself; git lfs pull brings it`);
  const length = start.readBigUInt64LE();
  if (length > BigInt(MAX_HEADER)) throw new CheckpointError(`${file}: header of ${length} bytes, more than the limit of ${MAX_HEADER}`);
  if (length > BigInt(size - 8)) throw new CheckpointError(`${file}: truncated, a header of ${length} bytes in a file of ${size}${INCOMPLETE}`);
  return Number(length);
}

function readBytes(fd: number, position: number, length: number, file: string): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, position + done);
    if (read === 0) throw new CheckpointError(`${file}: truncated while it was read`);
    done += read;
  }
  return bytes;
}

function parseHeader(file: string, text: () => string): object {
  let header: unknown;
  try {
    header = JSON.parse(text());
  } catch {
    throw new CheckpointError(`${file}: the header is no JSON`);
  }
  if (!isObject(header)) throw new CheckpointError(`${file}: the header is no JSON object`);
  return header;
}

function checkMetadata(value: unknown, file: string): [] {
  const valid = value === null || (isObject(value) && Object.values(value).every(v => typeof v === "string")); // MLX writes null for none
  if (!valid) throw new CheckpointError(`${file}: __metadata__ holds something other than strings`);
  return [];
}

function readEntry(name: string, value: unknown, dataBytes: number, file: string): StoredTensor {
  const fail = (what: string) => new CheckpointError(`${file}: tensor ${quoted(name)} ${what}`);
  if (!isObject(value)) throw fail("has no description");
  const { dtype: code, shape, data_offsets: offsets } = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const dtype = typeof code === "string" && Object.hasOwn(dtypes, code) ? dtypes[code] : undefined;
  if (dtype === undefined) throw fail(`has the unknown dtype ${quoted(String(code))}`);
  if (!isCounts(shape) || shape.length > MAX_DIMENSIONS || !shape.every(n => n <= MAX_DIMENSION)) throw fail("has no valid shape");
  if (!isCounts(offsets) || offsets.length !== 2) throw fail("has no valid data_offsets");
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataBytes) throw fail(`lies outside the file (bytes ${begin} to ${end} of ${dataBytes})${begin > end ? "" : INCOMPLETE}`);
  const bytes = shape.reduce((product, n) => product * n, dtype[1]); // exact, or far beyond any file
  if (bytes !== end - begin) throw fail(`has ${end - begin} bytes, but [${shape.join(", ")}] of ${code} needs ${bytes}`);
  return { name, dtype: dtype[0], shape, begin, end };
}

function checkDisjoint(tensors: readonly StoredTensor[], file: string): void {
  const inOrder = tensors.filter(t => t.end > t.begin).sort((a, b) => a.begin - b.begin);
  inOrder.forEach((tensor, i) => {
    const before = inOrder[i - 1];
    if (before !== undefined && tensor.begin < before.end)
      throw new CheckpointError(`${file}: tensor ${quoted(tensor.name)} overlaps ${quoted(before.name)}`);
  });
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(n => Number.isSafeInteger(n) && n >= 0);
}
