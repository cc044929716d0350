// The HTTP process's side of one text engine: turns messages into one iterable per sequence.
import { EngineChild, RETRY_AFTER_SECONDS, type EngineState } from "./child.ts";
import { EngineError } from "./error.ts";
import type {
  EngineOptions,
  EngineStats,
  Failed,
  ModelInfo,
  StatsAnswer,
  Step,
  StepRow,
  Submit,
  ToEngine,
  Vocabulary,
  WarmingUp,
} from "./protocol.ts";
import { SequenceStream } from "./stream.ts";

export type SequenceRequest = Omit<Submit, "type" | "id">;

/** What the rest of the HTTP process knows of an engine. Tests pass a scripted one. */
export interface Engine {
  /** Undefined until the engine was ready once; kept while it restarts. */
  readonly info: ModelInfo | undefined;
  readonly state: EngineState;
  /** What it tries out in the state `warming_up`. */
  readonly warmingUp: WarmingUp | undefined;
  /**
   * One sequence from submission to its end. The iterable ends after the row with `finish`, or throws EngineError.
   * Aborting the signal, or leaving the loop early, aborts the sequence within one step.
   */
  generate(request: SequenceRequest, signal: AbortSignal): AsyncIterable<StepRow>;
  /** Says where to read what ids spell, once, before the first sequence with a grammar. */
  learn(vocabulary: () => Vocabulary): void;
  stats(): Promise<EngineStats>;
  /** Drops every stored prefix that no sequence is using. */
  clearCache(): Promise<EngineStats>;
}

export interface StartOptions {
  readonly command: readonly string[]; // the executable with its hidden command
  readonly engine: EngineOptions;
  readonly onRestart?: (delayMs: number) => void; // the engine died and is started again after that time
  readonly onWarmUp?: (progress: WarmingUp) => void;
}

type News = Step | Failed | StatsAnswer;

export class EngineProcess implements Engine {
  private readonly child: EngineChild<ModelInfo, ToEngine, News>;
  private readVocabulary: (() => Vocabulary) | undefined;
  private vocabulary: Vocabulary | undefined;
  private knowsVocabulary = false; // the process that runs now
  private nextId = 1;
  private readonly streams = new Map<number, SequenceStream>();
  private readonly asks = new Map<number, { resolve: (stats: EngineStats) => void; reject: (error: Error) => void }>();

  constructor({ engine, ...start }: StartOptions) {
    this.child = new EngineChild({ ...start, first: engine, receive: news => this.receive(news), lose: error => this.loseAll(error) });
  }

  get warmingUp(): WarmingUp | undefined {
    return this.child.warmingUp;
  }

  get info(): ModelInfo | undefined {
    return this.child.info;
  }

  get state(): EngineState {
    return this.child.state;
  }

  /** Settles with the first start: the model's facts, or EngineRefused. */
  get ready(): Promise<ModelInfo> {
    return this.child.ready;
  }

  get pid(): number {
    return this.child.pid;
  }

  generate(request: SequenceRequest, signal: AbortSignal): AsyncIterable<StepRow> {
    this.child.checkReady();
    const id = this.nextId++;
    const stream = new SequenceStream(signal, () => {
      this.streams.delete(id);
      this.child.send({ type: "abort", id });
    });
    this.streams.set(id, stream);
    if (request.grammar) this.teach();
    this.child.send({ type: "submit", id, ...request });
    return stream;
  }

  learn(vocabulary: () => Vocabulary): void {
    this.readVocabulary = vocabulary;
  }

  private teach(): void {
    this.vocabulary ??= this.readVocabulary?.();
    if (this.knowsVocabulary || !this.vocabulary) return;
    this.knowsVocabulary = true;
    this.child.send(this.vocabulary);
  }

  stats(): Promise<EngineStats> {
    return this.ask("stats");
  }

  clearCache(): Promise<EngineStats> {
    return this.ask("clear-cache");
  }

  private async ask(type: "stats" | "clear-cache"): Promise<EngineStats> {
    this.child.checkReady();
    const { promise, resolve, reject } = Promise.withResolvers<EngineStats>();
    const ask = this.nextId++;
    this.asks.set(ask, { resolve, reject });
    this.child.send({ type, ask });
    return promise;
  }

  /** Lets what runs finish and refuses what comes; resolves when the process is gone. */
  drain(): Promise<void> {
    return this.child.drain({ type: "drain" });
  }

  /** Ends the process at once; what runs fails. */
  close(): Promise<void> {
    return this.child.close();
  }

  private receive(message: News): void {
    switch (message.type) {
      case "step":
        for (const row of message.rows) {
          this.streams.get(row.id)?.push(row);
          if (row.finish !== undefined) this.streams.delete(row.id);
        }
        return;
      case "failed":
        this.streams
          .get(message.id)
          ?.fail(new EngineError(message.code, message.message, message.code === "overloaded" ? RETRY_AFTER_SECONDS : undefined));
        this.streams.delete(message.id);
        return;
      case "stats":
        this.asks.get(message.ask)?.resolve(message.stats);
        this.asks.delete(message.ask);
        return;
    }
  }

  /** Every sequence and question of a dead process fails. */
  private loseAll(lost: EngineError): void {
    this.knowsVocabulary = false;
    for (const stream of this.streams.values()) stream.fail(lost);
    for (const ask of this.asks.values()) ask.reject(lost);
    this.streams.clear();
    this.asks.clear();
  }
}
