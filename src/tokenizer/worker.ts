// Entry of the Worker that encodes long texts, so that the event loop goes on serving meanwhile. It opens the tokenizer a second time.
import type { FromWorker, ToWorker } from "./encoder.ts";
import { openTokenizer } from "./load.ts";
import type { Tokenizer } from "./tokenizer.ts";

declare const self: Worker;

let tokenizer: Tokenizer | undefined;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  const { ask, folder, text, specialTokens } = data;
  try {
    tokenizer ??= openTokenizer(folder);
    const ids = tokenizer.encode(text, { specialTokens });
    self.postMessage({ ask, ids } satisfies FromWorker, [ids.buffer as ArrayBuffer]);
  } catch (error) {
    self.postMessage({ ask, error: error instanceof Error ? error.message : String(error) } satisfies FromWorker);
  }
};
