// OLMo 3: OLMo 2 in which three of four layers look back through a sliding window; only the others stretch their rotary positions.
import { decoder, makeRope, readRope, readWindows, type Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Model } from "./model.ts";
import * as olmo2 from "./olmo2.ts";

export interface Config extends olmo2.Config {
  readonly windows: Windows;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  const config = olmo2.readConfig(json);
  return {
    ...config,
    rope: readRope(c, config.headDim, { base: 500000 }),
    windows: readWindows(c, config.layers, layer => (layer + 1) % 4 !== 0, 4096),
  };
}

export function build(weights: Weights, c: Config): Model {
  const { width, dims, base } = c.rope;
  const [rope, localRope] = [makeRope(weights, c.rope), makeRope(weights, { width, dims, base, scale: 1 })];
  return decoder(weights, c, (w, layer) => olmo2.block(w, c, c.windows[layer] === undefined ? rope : localRope));
}
