// What models are made of, besides the functions that Weights give (linear, linears, embedding, rmsNorm).
export { attention, byHead, byPosition, headNorm, wideNorm, type Attention, type AttentionConfig, type AttentionExtras } from "./attention.ts";
export { decoder, scaled, type Block, type DecoderConfig, type DecoderExtras } from "./decoder.ts";
export { altUp, gatherVersions, readVersions, spreadVersions, version, type AltUp, type Versions } from "./altup.ts";
export { head } from "./head.ts";
export { perLayerGate, perLayerInputs, readPerLayer, type PerLayer } from "./per-layer.ts";
export { readKvOwners, sharedKvAttention, sharedKvLayout, type SharedKvConfig } from "./shared-kv.ts";
export { mlp, plainMlp, readActivation, relu2, type Activation, type MlpOptions } from "./mlp.ts";
export { makeRope, positions, type Rope } from "./rope.ts";
export { readLocalRope, readRope, readYarnScale, type RopeOptions, type RopeSettings } from "./rope-config.ts";
export { readOneWindow, readShape, readWindows, type Shape, type ShapeDefaults, type Windows } from "./shape.ts";
export { sparseGate } from "./sparse-gate.ts";
export { gatedDelta, gatedDeltaLayout, readGatedDelta, type GatedDeltaConfig } from "./gated-delta.ts";
export { isTorchConv, shortConv, windowLayout, type ShortConv } from "./short-conv.ts";
export { mamba2, mamba2Layout, readTimeSteps, type Mamba2Config } from "./mamba2.ts";
export { mla, type MlaConfig } from "./mla.ts";
export {
  expertMlp,
  expertNames,
  gatedShared,
  makeRouter,
  moe,
  plainExpertMlp,
  readExperts,
  readGroups,
  type ExpertMlp,
  type Gating,
  type Groups,
  type Router,
  type Routing,
} from "./moe.ts";
