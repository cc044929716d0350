// Mistral: Llama in which all layers look back through sliding_window.
import { Fields } from "../weights/fields.ts";
import * as llama from "./llama.ts";

export { build } from "./llama.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): llama.Config {
  const config = llama.readConfig(json);
  const c = new Fields(json);
  if (c.has("layer_types")) return config;
  // null switches the window off; without the field it is 4096 positions, as the family was published.
  const window = json["sliding_window"] === null ? undefined : c.count("sliding_window", 4096);
  return { ...config, windows: config.windows.map(() => window) };
}
