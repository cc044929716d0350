// Entry of the Worker that does the large jobs of background.ts. It opens the tokenizer and compiles the template a second time, when asked to.
import type { FromWorker, Job, ToWorker } from "./background.ts";
import { TemplateError } from "./error.ts";
import { openTokenizer } from "./load.ts";
import { ChatTemplate } from "./template.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { messageOf } from "../util/message-of.ts";

declare const self: Worker;

let tokenizer: Tokenizer | undefined;
let template: ChatTemplate | undefined;

self.onmessage = ({ data: { ask, job } }: MessageEvent<ToWorker>) => {
  try {
    const result = run(job);
    self.postMessage({ ask, result } satisfies FromWorker, typeof result === "string" ? [] : [result.buffer as ArrayBuffer]);
  } catch (error) {
    const message = messageOf(error);
    self.postMessage({ ask, error: message, byTemplate: error instanceof TemplateError } satisfies FromWorker);
  }
};

/** One Worker serves one model, so what is open stays right. */
function run(job: Job): Uint32Array | string {
  if (job.type === "encode") {
    tokenizer ??= openTokenizer(job.folder);
    return tokenizer.encode(job.text, { specialTokens: job.specialTokens });
  }
  template ??= new ChatTemplate(job.sources, job.tokens);
  return template.render(job.input);
}
