// Recorded checkpoints changed so that loading must refuse them, and what it says.
import { expect } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { failure, withFolder } from "../helpers/checkpoints.ts";
import { GOLDEN } from "./suite.ts";

/** The error of loading a recorded checkpoint after some change. Nothing may be left of it. */
export function failureOf(name: string, change: (folder: string) => void): string {
  const [handles, memory] = [mx.liveHandles(), mx.activeMemory()];
  const message = withFolder({}, folder => {
    cpSync(join(GOLDEN, name), folder, { recursive: true });
    change(folder);
    return failure(() => loadModel(folder).weights.release());
  });
  expect([mx.liveHandles(), mx.activeMemory()]).toEqual([handles, memory]);
  return message;
}

/** The error of loading it with other fields in its config.json. */
export function withConfig(name: string, fields: Record<string, unknown>): string {
  return failureOf(name, folder => {
    const path = join(folder, "config.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...fields }));
  });
}
