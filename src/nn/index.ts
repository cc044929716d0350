// What models are made of, besides the functions that Weights give (linear, linears, embedding, rmsNorm).
export { attention, byHead, byPosition, type Attention, type AttentionConfig, type AttentionExtras } from "./attention.ts";
export { head } from "./head.ts";
export { mlp } from "./mlp.ts";
export { makeRope, readRope, type Rope, type RopeSettings } from "./rope.ts";
