// Entry of the Worker that does the work of background.ts. It opens the tokenizer a second time, when the vocabulary is asked for.
import { toolFormats } from "../parsers/registry.ts";
import { openTokenizer } from "../tokenizer/load.ts";
import type { FromWorker, Job, Made } from "./background.ts";
import { GrammarCompiler } from "./compile.ts";
import { GrammarError } from "./error.ts";
import { readVocabulary } from "./trie.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<Job>) => self.postMessage(answer(data));

function answer(job: Job): FromWorker {
  try {
    return { result: run(job) };
  } catch (error) {
    if (error instanceof GrammarError) return { refused: { message: error.message, path: error.path, tool: error.tool } };
    return { broken: error instanceof Error ? error.message : String(error) };
  }
}

function run(job: Job): Made {
  if (job.type === "vocabulary") return readVocabulary(openTokenizer(job.folder));
  const { form, ids } = job;
  const { calls, ...rest } = form;
  const syntax = calls && toolFormats.find(format => format.name === calls.format)!.syntax; // functions do not travel
  const whole = calls && syntax ? { ...rest, calls: { ...calls, syntax } } : rest;
  return new GrammarCompiler(text => ids.get(text)).compile(whole, [...ids.keys()]);
}
