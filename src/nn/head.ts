// The output projection, and whether it is the embedding again.
import * as mx from "../mx/index.ts";
import type { Embedding, Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";

/** [..., hidden] → [..., vocabSize] float32. `tied` is what config.json says; where it says nothing, a missing projection means tied. */
export function head(w: Weights, embedding: Embedding, hidden: number, vocabSize: number, tied?: boolean, name = "lm_head"): Linear {
  const isTied = tied ?? !w.has(`${name}.weight`);
  if (isTied) for (const part of ["weight", "scales", "biases"]) w.skip(`${name}.${part}`);
  const project = isTied ? embedding.project : w.linear(name, hidden, vocabSize);
  return x => mx.astype(project(x), "float32");
}
