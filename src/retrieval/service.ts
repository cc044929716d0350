// What one encoder offers to requests: its engine and everything around it that is text.
import type { EncoderEngine } from "../engine/encoder-client.ts";
import type { EncoderInfo, Verdict } from "../engine/protocol.ts";
import { Background } from "../tokenizer/background.ts";
import { TokenizerError } from "../tokenizer/error.ts";
import { openTokenizer } from "../tokenizer/load.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { pairFrame, textFrame, type Frame } from "./frame.ts";
import { readTextSettings, type TextSettings } from "./settings.ts";
import { verdictFrame } from "./verdict.ts";
import { nextTurn } from "../util/next-turn.ts";

export type Task = "embed" | "rank";

/** An engine that its service starts and ends. */
export interface OwnedEncoder extends EncoderEngine {
  readonly ready: Promise<EncoderInfo>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface EncoderService {
  readonly id: string; // as clients name it
  readonly created: number; // seconds
  readonly engine: OwnedEncoder;
  readonly settings: TextSettings;
  readonly frame: Frame;
  readonly maxLength: number; // ids of one text, special tokens included; the engine's once it is known
  readonly overflow: "truncate" | "error"; // what happens to longer ones
  /** The ids of each text without special tokens, without stopping the event loop for long. */
  encodeAll(texts: readonly string[]): Promise<Uint32Array[]>;
  /** Lets go of the Worker for large texts, if there is one; the engine is its owner's. */
  close(): void;
}

export interface EncoderServiceOptions {
  readonly id: string;
  readonly task: Task;
  readonly start: (verdict: Verdict | undefined) => OwnedEncoder;
  readonly maxLength?: number;
  readonly overflow?: "truncate" | "error";
  readonly workerUrl?: string | URL;
}

const TURN_MS = 8; // of tokenization between two looks at other requests

/** Reads the folder's text files, then starts the engine. Throws TokenizerError. */
export function openEncoderService(folder: string, options: EncoderServiceOptions): EncoderService {
  const settings = readTextSettings(folder);
  const tokenizer = openTokenizer(folder);
  const background = new Background({ tokenizer, folder, workerUrl: options.workerUrl });
  const isDecoder = options.task === "rank" && settings.modelType === "qwen3";
  const frame = isDecoder ? verdictFrame(tokenizer) : options.task === "rank" ? pairFrame(tokenizer) : textFrame(tokenizer);
  const engine = options.start(isDecoder ? readVerdict(tokenizer) : undefined);
  const prepare = (text: string) => (settings.lowerCase ? text.toLowerCase() : text);
  const wanted = options.maxLength ?? settings.maxLength ?? Infinity;
  return {
    id: options.id,
    created: Math.floor(Date.now() / 1000),
    engine,
    settings,
    frame,
    overflow: options.overflow ?? "truncate",
    get maxLength() {
      return Math.min(wanted, engine.info?.maxLength ?? Infinity);
    },
    encodeAll: async texts => {
      const all: Uint32Array[] = [];
      let turn = performance.now();
      for (const text of texts) {
        all.push(await background.encode(prepare(text), { specialTokens: false }));
        if (performance.now() - turn < TURN_MS) continue;
        await nextTurn();
        turn = performance.now();
      }
      return all;
    },
    close: () => background.close(),
  };
}

function readVerdict(tokenizer: Tokenizer): Verdict {
  const [yes, no] = [tokenizer.idOf("yes"), tokenizer.idOf("no")];
  if (yes === undefined || no === undefined) throw new TokenizerError("tokenizer.json: has no words yes and no, which such a reranker answers with");
  return { yes, no };
}
