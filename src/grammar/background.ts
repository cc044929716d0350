// Grammars and the vocabulary's tree without stopping the event loop: what is done in a few milliseconds is done at once, the rest one
// after the other in a Worker, which is ended when it takes too long.
import type { Grammar, Vocabulary } from "../engine/protocol.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { AnswerForm, CallsForm } from "./answer.ts";
import { GrammarCompiler, keyOf } from "./compile.ts";
import { BudgetSpent, GrammarError } from "./error.ts";
import { readVocabulary } from "./trie.ts";

/** A form as it travels: the format's name stands for its syntax. */
type SentForm = Omit<AnswerForm, "calls"> & { readonly calls?: Omit<CallsForm, "syntax"> };

export type Job =
  | { readonly type: "compile"; readonly form: SentForm; readonly ids: ReadonlyMap<string, number> } // of the markers that are tokens
  | { readonly type: "vocabulary"; readonly folder: string };

export type Made = Grammar | Vocabulary;

export type FromWorker =
  | { readonly result: Made }
  | { readonly refused: { readonly message: string; readonly path: readonly (string | number)[]; readonly tool: string | undefined } }
  | { readonly broken: string };

export interface BackgroundOptions {
  readonly tokenizer: Tokenizer;
  readonly folder: string; // where the Worker finds the tokenizer's files
  /** worker.ts as the main program resolves it; without it everything is done in place. */
  readonly workerUrl?: string | URL | undefined;
  readonly patience?: number; // milliseconds that one grammar may take
  readonly idleMs?: number; // after which the Worker is let go
}

interface Asked {
  readonly job: Job;
  readonly resolve: (made: Made) => void;
  readonly reject: (error: Error) => void;
}

const AT_ONCE = 20_000; // units of the budget: some milliseconds
const LARGE = 20_000; // characters that are not even tried at once
const PATIENCE_MS = 10_000; // the budget ends a grammar long before, except on a machine that is very busy

export class GrammarBackground {
  private readonly compiler: GrammarCompiler;
  private readonly compiling = new Map<string, Promise<Grammar>>(); // by key
  private spelled: Promise<Vocabulary> | undefined;
  private known: Vocabulary | undefined;
  private worker: Worker | undefined;
  private readonly waiting: Asked[] = []; // the first is in the Worker's hands while there is one at work
  private timer: Timer | undefined; // ends the Worker: when it takes too long, or idles

  constructor(private readonly options: BackgroundOptions) {
    this.compiler = new GrammarCompiler(text => options.tokenizer.addedId(text));
  }

  /** Throws GrammarError for what cannot be enforced. The vocabulary can be read afterwards without work. */
  async compile(form: AnswerForm, markers: readonly string[]): Promise<Grammar> {
    if (this.options.workerUrl === undefined) return this.compiler.compile(form, markers);
    const { key, length } = keyOf(form);
    const grammar = this.compiler.find(key) ?? (length > LARGE ? undefined : this.atOnce(form, markers)) ?? (await this.inWorker(key, form, markers));
    await this.spell();
    return grammar;
  }

  get vocabulary(): Vocabulary {
    return (this.known ??= readVocabulary(this.options.tokenizer));
  }

  /** Lets the Worker go; what it was asked fails. */
  close(): void {
    this.stop();
    for (const { reject } of this.waiting.splice(0)) reject(new Error("the server is stopping"));
  }

  private atOnce(form: AnswerForm, markers: readonly string[]): Grammar | undefined {
    try {
      return this.compiler.compile(form, markers, AT_ONCE);
    } catch (error) {
      if (error instanceof BudgetSpent) return undefined;
      throw error;
    }
  }

  /** Equal forms that come together are compiled once. */
  private inWorker(key: string, { calls, ...rest }: AnswerForm, markers: readonly string[]): Promise<Grammar> {
    const running = this.compiling.get(key);
    if (running) return running;
    const { syntax: _, ...sent } = calls ?? ({} as CallsForm);
    const ids = new Map(
      markers.flatMap(marker => (this.options.tokenizer.addedId(marker) === undefined ? [] : [[marker, this.options.tokenizer.addedId(marker)!]])),
    );
    const made = this.ask({ type: "compile", form: calls ? { ...rest, calls: sent } : rest, ids })
      .then(grammar => this.compiler.keep(grammar as Grammar))
      .finally(() => this.compiling.delete(key));
    this.compiling.set(key, made);
    return made;
  }

  private async spell(): Promise<void> {
    this.spelled ??= this.ask({ type: "vocabulary", folder: this.options.folder }) as Promise<Vocabulary>;
    try {
      this.known = await this.spelled;
    } catch (error) {
      this.spelled = undefined; // the next request tries again
      throw error;
    }
  }

  private ask(job: Job): Promise<Made> {
    const { promise, resolve, reject } = Promise.withResolvers<Made>();
    this.waiting.push({ job, resolve, reject });
    if (this.waiting.length === 1) this.work();
    return promise;
  }

  /** Gives the Worker what waits longest. */
  private work(): void {
    clearTimeout(this.timer);
    const first = this.waiting[0];
    if (!first) {
      this.timer = setTimeout(() => this.stop(), this.options.idleMs ?? 60_000);
      this.timer.unref();
      return;
    }
    this.worker ??= this.open();
    this.worker.postMessage(first.job);
    if (first.job.type === "compile")
      this.timer = setTimeout(() => this.giveUp(new GrammarError("takes too long to be made enforceable")), this.options.patience ?? PATIENCE_MS);
  }

  private open(): Worker {
    const worker = new Worker(this.options.workerUrl!);
    worker.unref(); // it does not keep the program alive
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (this.worker === worker) this.receive(data);
    };
    worker.onerror = event => {
      event.preventDefault();
      if (this.worker === worker) this.giveUp(new Error(`the Worker for grammars failed: ${event.message}`));
    };
    return worker;
  }

  private receive(answer: FromWorker): void {
    const { resolve, reject } = this.waiting.shift()!;
    if ("result" in answer) resolve(answer.result);
    else if ("broken" in answer) reject(new Error(answer.broken));
    else reject(new GrammarError(answer.refused.message, answer.refused.path, answer.refused.tool));
    this.work();
  }

  /** The Worker is ended; what else waits goes to the next one. */
  private giveUp(error: Error): void {
    this.stop();
    this.waiting.shift()?.reject(error);
    this.work();
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.worker?.terminate();
    this.worker = undefined;
  }
}
