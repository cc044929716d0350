// A checkpoint's fingerprint: what is kept of its work on disk must never serve another one.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { readTensors } from "./checkpoint.ts";

const SAMPLE_BYTES = 4096; // of every tensor, from its middle: trained weights differ everywhere

/** A digest over config.json, every tensor's name, type, shape and sample, and the files' sizes and times. */
export function fingerprint(folder: string): string {
  const digest = new Bun.CryptoHasher("sha256").update(readFileSync(join(folder, "config.json")));
  const files = new Map<string, { readonly fd: number; readonly data: number }>();
  try {
    for (const { name, dtype, shape, file, begin, end } of readTensors(folder).values()) {
      if (!files.has(file)) {
        const { size, mtimeMs } = statSync(join(folder, file));
        files.set(file, openData(join(folder, file)));
        digest.update(JSON.stringify([file, size, mtimeMs]));
      }
      const { fd, data } = files.get(file)!;
      const sample = new Uint8Array(Math.min(SAMPLE_BYTES, end - begin));
      readSync(fd, sample, 0, sample.length, data + begin + Math.floor((end - begin - sample.length) / 2));
      digest.update(JSON.stringify([name, dtype, shape])).update(sample);
    }
  } finally {
    for (const { fd } of files.values()) closeSync(fd);
  }
  return digest.digest("hex");
}

/** A safetensors file and where its data begins. */
function openData(path: string): { readonly fd: number; readonly data: number } {
  const fd = openSync(path, "r");
  const length = new BigUint64Array(1);
  readSync(fd, length, 0, 8, 0);
  return { fd, data: 8 + Number(length[0]) };
}
