// A small model with random weights, for what the recorded ones are too narrow for.
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import { writeRandomCheckpoint } from "./random-checkpoint.ts";
import { temporaryFolder } from "./temporary.ts";

/** random-checkpoint.ts has its shape; with a window, all layers slide. */
export function openRandomModel(window?: number, vocabSize = 128): LoadedModel & { readonly folder: string; close(): void } {
  const folder = temporaryFolder("random-model");
  writeRandomCheckpoint(folder, vocabSize, window);
  const loaded = loadModel(folder);
  const close = () => {
    loaded.weights.release();
  };
  return { ...loaded, folder, close };
}
