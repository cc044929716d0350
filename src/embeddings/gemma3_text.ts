// Gemma 3 as an encoder (EmbeddingGemma): positions see both sides where config.json says so, and a window is then half before and half behind.
import * as gemma3_text from "../models/gemma3_text.ts";
import { Fields } from "../weights/fields.ts";
import { decoderEncoder } from "./decoder.ts";

export const architecture = decoderEncoder(gemma3_text, {
  pooling: "mean",
  direct: (config, json) => {
    if (!new Fields(json).flag("use_bidirectional_attention", false)) return { config, causal: true };
    const windows = config.windows.map(window => window && Math.floor(window / 2) + 1);
    return { config: { ...config, windows }, causal: false };
  },
});
