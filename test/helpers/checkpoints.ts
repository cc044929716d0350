// Checkpoint folders written for one test, valid and hostile ones.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./temporary.ts";
import { safetensors } from "./safetensors.ts";

export interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly number[];
}

/** A file of float32 tensors full of zeros. */
export function zeroTensors(shapes: Readonly<Record<string, readonly number[]>>): Buffer {
  let end = 0;
  const header: Record<string, Stored> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const begin = end;
    end += shape.reduce((product, n) => product * n, 4);
    header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  return safetensors(header, end);
}

/** Runs `body` with a folder that holds these files; objects are written as JSON. */
export function withFolder<T>(files: Readonly<Record<string, string | Buffer | object>>, body: (folder: string) => T): T {
  const folder = temporaryFolder("checkpoint");
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      if (name.endsWith("/")) mkdirSync(path, { recursive: true });
      else writeFileSync(path, typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content));
    }
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The message of the error that `body` throws, with its class: "CheckpointError: …". */
export function failure(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return String(error);
  }
  return "no error";
}
