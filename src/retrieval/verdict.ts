// Qwen3's rerankers are language models that are asked whether a document meets a query and answer yes or no.
import type { EncodeText } from "../engine/protocol.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { joinIds, type Frame } from "./frame.ts";

const before =
  "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. " +
  'Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n';
const behind = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
const instruction = "Given a web search query, retrieve relevant passages that answer the query";

/** The question as one text: what stands between two special texts is encoded together. */
export function question(query: string, document: string): string {
  return `<Instruct>: ${instruction}\n<Query>: ${query}\n<Document>: ${document}`;
}

export function verdictFrame(tokenizer: Tokenizer): Frame {
  const [start, end] = [before, behind].map(text => tokenizer.encode(text, { specialTokens: false })) as [Uint32Array, Uint32Array];
  const size = start.length + end.length;
  return {
    size,
    joins: question,
    wrap: ([text], length): EncodeText => {
      const kept = text!.subarray(0, Math.max(0, length - size));
      return { ids: joinIds([start, kept, end]) };
    },
  };
}
