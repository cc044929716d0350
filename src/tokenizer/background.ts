// Work on texts without stopping the event loop: small texts at once, large ones in a Worker that is started for the first of them.
import { TemplateError, TokenizerError } from "./error.ts";
import { ChatTemplate, type TemplateInput, type TemplateTokens } from "./template.ts";
import type { TemplateSources } from "./template-files.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { nextTurn } from "../util/next-turn.ts";

export type Job =
  | { readonly type: "encode"; readonly folder: string; readonly text: string; readonly specialTokens: boolean }
  | { readonly type: "render"; readonly sources: TemplateSources; readonly tokens: TemplateTokens; readonly input: TemplateInput };

export interface ToWorker {
  readonly ask: number;
  readonly job: Job;
}

export type FromWorker =
  { readonly ask: number; readonly result: Uint32Array | string } | { readonly ask: number; readonly error: string; readonly byTemplate: boolean };

export interface BackgroundOptions {
  readonly tokenizer: Tokenizer;
  readonly folder: string; // where the Worker finds the tokenizer's files
  /** worker.ts as the main program resolves it; without it everything is done in place. */
  readonly workerUrl?: string | URL | undefined;
  readonly largeText?: number; // characters; encoding takes about a millisecond per thousand
  readonly largeChat?: number; // messages; some templates take the square of them
  readonly idleMs?: number; // after which the Worker and its copy of the vocabulary are let go
}

type Result = Uint32Array | string;

interface Asked {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly inPlace: () => Result;
}

export class Background {
  private worker: Worker | undefined;
  private idle: Timer | undefined;
  private readonly asked = new Map<number, Asked>();
  private lastAsk = 0;

  constructor(private readonly options: BackgroundOptions) {}

  async encode(text: string, { specialTokens }: { readonly specialTokens: boolean }): Promise<Uint32Array> {
    const { tokenizer, folder, largeText = 20_000 } = this.options;
    const inPlace = () => tokenizer.encode(text, { specialTokens });
    if (text.length <= largeText) return inPlace();
    return (await this.ask({ type: "encode", folder, text, specialTokens }, inPlace)) as Uint32Array;
  }

  /** Throws TemplateError like the template itself. */
  async render(template: ChatTemplate, input: TemplateInput): Promise<string> {
    const { largeText = 20_000, largeChat = 100 } = this.options;
    const inPlace = () => template.render(input);
    const characters = input.messages.reduce((sum, { content }) => sum + (typeof content === "string" ? content.length : 0), 0);
    if (input.messages.length <= largeChat && characters <= 10 * largeText) return inPlace();
    return (await this.ask({ type: "render", sources: template.sources, tokens: template.tokens, input }, inPlace)) as string;
  }

  /** Lets the Worker go; what it was asked fails. */
  close(): void {
    for (const { reject } of this.stop()) reject(new Error("the server is stopping"));
  }

  /** Ends the Worker. What it still owes is the caller's. */
  private stop(): Asked[] {
    clearTimeout(this.idle);
    this.worker?.terminate();
    this.worker = undefined;
    const left = [...this.asked.values()];
    this.asked.clear();
    return left;
  }

  /** A Worker that cannot work is done without, one text in a turn of the event loop so that running streams go on in between. */
  private async doWithout(): Promise<void> {
    for (const { resolve, reject, inPlace } of this.stop()) {
      await nextTurn();
      try {
        resolve(inPlace());
      } catch (error) {
        reject(error);
      }
    }
  }

  private async ask(job: Job, inPlace: () => Result): Promise<Result> {
    const { workerUrl } = this.options;
    if (workerUrl === undefined) return inPlace();
    const worker = this.openWorker(workerUrl);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const ask = ++this.lastAsk;
    this.asked.set(ask, { resolve, reject, inPlace });
    worker.postMessage({ ask, job } satisfies ToWorker);
    return promise;
  }

  private openWorker(url: string | URL): Worker {
    clearTimeout(this.idle);
    if (this.worker) return this.worker;
    const worker = new Worker(url);
    worker.unref(); // it does not keep the program alive
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.answer(data);
    worker.onerror = event => {
      event.preventDefault();
      if (this.worker === worker) void this.doWithout();
    };
    this.worker = worker;
    return worker;
  }

  private answer(message: FromWorker): void {
    const asked = this.asked.get(message.ask);
    this.asked.delete(message.ask);
    if ("result" in message) asked?.resolve(message.result);
    else asked?.reject(message.byTemplate ? new TemplateError(message.error) : new TokenizerError(message.error));
    if (this.asked.size > 0) return;
    this.idle = setTimeout(() => this.stop(), this.options.idleMs ?? 60_000);
    this.idle.unref();
  }
}
