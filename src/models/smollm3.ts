// SmolLM3: Llama in which every fourth layer has no rotary positions.
import { Fields } from "../weights/fields.ts";
import * as llama from "./llama.ts";

export { build } from "./llama.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): llama.Config {
  const config = llama.readConfig(json);
  const c = new Fields(json);
  const interval = c.count("no_rope_layer_interval", 4);
  const turned = c.list("no_rope_layers") ?? Array.from({ length: config.layers }, (_, i) => ((i + 1) % interval === 0 ? 0 : 1)); // 1: with rope
  if (turned.length !== config.layers) throw c.error("no_rope_layers", `has ${turned.length} entries for ${config.layers} layers`);
  return { ...config, unturned: new Set(turned.flatMap((one, layer) => (one === 0 ? [layer] : []))) };
}
