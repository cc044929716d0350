// Text to ids without stopping the event loop: short texts at once, long ones in a Worker that is started for the first of them.
import { TokenizerError } from "./error.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface ToWorker {
  readonly ask: number;
  readonly folder: string;
  readonly text: string;
  readonly specialTokens: boolean;
}

export type FromWorker = { readonly ask: number; readonly ids: Uint32Array } | { readonly ask: number; readonly error: string };

export interface EncoderOptions {
  readonly tokenizer: Tokenizer;
  readonly folder: string; // where the Worker finds the tokenizer's files
  /** worker.ts as the main program resolves it; without it everything is encoded in place. */
  readonly workerUrl?: string | URL | undefined;
  readonly longText?: number; // characters
  readonly idleMs?: number; // after which the Worker and its copy of the vocabulary are let go
}

interface Asked {
  readonly resolve: (ids: Uint32Array) => void;
  readonly reject: (error: Error) => void;
  readonly inPlace: () => Uint32Array;
}

export class Encoder {
  private worker: Worker | undefined;
  private idle: Timer | undefined;
  private readonly asked = new Map<number, Asked>();
  private lastAsk = 0;

  constructor(private readonly options: EncoderOptions) {}

  async encode(text: string, options: { readonly specialTokens: boolean }): Promise<Uint32Array> {
    const { tokenizer, workerUrl, folder, longText = 20_000 } = this.options;
    const inPlace = () => tokenizer.encode(text, options);
    const worker = workerUrl !== undefined && text.length > longText ? this.openWorker(workerUrl) : undefined;
    if (!worker) return inPlace();
    const { promise, resolve, reject } = Promise.withResolvers<Uint32Array>();
    const ask = ++this.lastAsk;
    this.asked.set(ask, { resolve, reject, inPlace });
    worker.postMessage({ ask, folder, text, specialTokens: options.specialTokens } satisfies ToWorker);
    return promise;
  }

  /** Lets the Worker go; what it was asked is encoded in place. */
  close(): void {
    clearTimeout(this.idle);
    this.worker?.terminate();
    this.worker = undefined;
    const left = [...this.asked.values()];
    this.asked.clear();
    for (const { resolve, reject, inPlace } of left) {
      try {
        resolve(inPlace());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  private openWorker(url: string | URL): Worker {
    clearTimeout(this.idle);
    if (this.worker) return this.worker;
    const worker = new Worker(url);
    worker.unref(); // encoding alone does not keep the program alive
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.answer(data);
    worker.onerror = event => {
      event.preventDefault();
      if (this.worker === worker) this.close();
    };
    this.worker = worker;
    return worker;
  }

  private answer(message: FromWorker): void {
    const asked = this.asked.get(message.ask);
    this.asked.delete(message.ask);
    if ("ids" in message) asked?.resolve(message.ids);
    else asked?.reject(new TokenizerError(message.error));
    if (this.asked.size > 0) return;
    this.idle = setTimeout(() => this.close(), this.options.idleMs ?? 60_000);
    this.idle.unref();
  }
}
