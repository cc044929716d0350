// Every supported model_type, one line each.
import type { Weights } from "../weights/weights.ts";
import * as apertus from "./apertus.ts";
import * as cohere2 from "./cohere2.ts";
import * as deepseek_v2 from "./deepseek_v2.ts";
import * as deepseek_v3 from "./deepseek_v3.ts";
import * as ernie4_5 from "./ernie4_5.ts";
import * as ernie4_5_moe from "./ernie4_5_moe.ts";
import * as exaone4 from "./exaone4.ts";
import * as gemma from "./gemma.ts";
import * as gemma2 from "./gemma2.ts";
import * as gemma3 from "./gemma3.ts";
import * as gemma3_text from "./gemma3_text.ts";
import * as gemma3n from "./gemma3n.ts";
import * as gemma4 from "./gemma4.ts";
import * as gemma4_text from "./gemma4_text.ts";
import * as glm4 from "./glm4.ts";
import * as glm4_moe from "./glm4_moe.ts";
import * as gpt_oss from "./gpt_oss.ts";
import * as granite from "./granite.ts";
import * as granitemoe from "./granitemoe.ts";
import * as granitemoehybrid from "./granitemoehybrid.ts";
import * as hunyuan_v1_dense from "./hunyuan_v1_dense.ts";
import * as internlm2 from "./internlm2.ts";
import * as internlm3 from "./internlm3.ts";
import * as lfm2 from "./lfm2.ts";
import * as lfm2_moe from "./lfm2_moe.ts";
import * as llama from "./llama.ts";
import * as mamba2 from "./mamba2.ts";
import * as minimax_m2 from "./minimax_m2.ts";
import * as ministral3 from "./ministral3.ts";
import * as mistral from "./mistral.ts";
import * as mixtral from "./mixtral.ts";
import type { Family, Model } from "./model.ts";
import * as nemotron_h from "./nemotron_h.ts";
import * as olmo2 from "./olmo2.ts";
import * as olmo3 from "./olmo3.ts";
import * as phi from "./phi.ts";
import * as phi3 from "./phi3.ts";
import * as phimoe from "./phimoe.ts";
import * as qwen2 from "./qwen2.ts";
import * as qwen2_moe from "./qwen2_moe.ts";
import * as qwen3 from "./qwen3.ts";
import * as qwen3_5 from "./qwen3_5.ts";
import * as qwen3_moe from "./qwen3_moe.ts";
import * as qwen3_next from "./qwen3_next.ts";
import * as seed_oss from "./seed_oss.ts";
import * as smollm3 from "./smollm3.ts";
import * as stablelm from "./stablelm.ts";
import * as starcoder2 from "./starcoder2.ts";

type Json = Readonly<Record<string, unknown>>;

/** Reads and checks config.json, then builds the model from its weights. */
export type Reader = (config: Json, choices?: Choices) => (weights: Weights) => Model;

/** What whoever serves a model may choose in the place of its config.json; families that leave no choice ignore it. */
export interface Choices {
  readonly window?: number | undefined; // of sliding attention; 0 is full attention
}

export const families: Readonly<Record<string, Reader>> = {
  apertus: reader(apertus),
  cohere2: reader(cohere2),
  deepseek_v2: reader(deepseek_v2),
  deepseek_v3: reader(deepseek_v3),
  ernie4_5: reader(ernie4_5),
  ernie4_5_moe: reader(ernie4_5_moe),
  exaone4: reader(exaone4),
  gemma: reader(gemma),
  gemma2: reader(gemma2),
  gemma3: reader(gemma3),
  gemma3_text: reader(gemma3_text),
  gemma3n: reader(gemma3n),
  gemma3n_text: reader(gemma3n),
  gemma4: reader(gemma4),
  gemma4_text: reader(gemma4_text),
  glm4: reader(glm4),
  glm4_moe: reader(glm4_moe),
  gpt_oss: reader(gpt_oss),
  granite: reader(granite),
  granitemoe: reader(granitemoe),
  granitemoehybrid: reader(granitemoehybrid),
  hunyuan_v1_dense: reader(hunyuan_v1_dense),
  internlm2: reader(internlm2),
  internlm3: reader(internlm3),
  kimi_k2: reader(deepseek_v3), // in other sizes
  lfm2: reader(lfm2),
  lfm2_moe: reader(lfm2_moe),
  llama: reader(llama),
  mamba2: reader(mamba2),
  minimax: reader(minimax_m2), // M2 under its first name; MiniMax-Text-01 is refused
  minimax_m2: reader(minimax_m2),
  ministral3: reader(ministral3),
  mistral: reader(mistral),
  mixtral: reader(mixtral),
  nemotron_h: reader(nemotron_h),
  olmo2: reader(olmo2),
  olmo3: reader(olmo3),
  phi: reader(phi),
  phi3: reader(phi3),
  phimoe: reader(phimoe),
  qwen2: reader(qwen2),
  qwen2_moe: reader(qwen2_moe),
  qwen3: reader(qwen3),
  qwen3_5: reader(qwen3_5),
  qwen3_5_moe: reader(qwen3_5), // with experts
  qwen3_5_moe_text: reader(qwen3_5),
  qwen3_5_text: reader(qwen3_5),
  qwen3_moe: reader(qwen3_moe),
  qwen3_next: reader(qwen3_next),
  seed_oss: reader(seed_oss),
  smollm3: reader(smollm3),
  stablelm: reader(stablelm),
  starcoder2: reader(starcoder2),
};

/** The supported model types whose names are nearest to `name`, nearest first. */
export function nearestFamilies(name: string, count = 3): string[] {
  const ranked = Object.keys(families).map(family => ({ family, distance: distance(name.slice(0, 64).toLowerCase(), family) }));
  return ranked
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ family }) => family);
}

function reader<Config>(family: Family<Config>): Reader {
  return (json, { window } = {}) => {
    const stated = family.readConfig(json);
    const config = window === undefined || !family.withWindow ? stated : family.withWindow(stated, window || undefined);
    return weights => family.build(weights, config);
  };
}

/** Edits (insert, delete, replace) between two texts. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
