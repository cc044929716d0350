// The HTTP process's side of one engine: starts the process, restarts it when it dies, and turns messages into one
// iterable per sequence.
import type { Subprocess } from "bun";
import { EngineError } from "./error.ts";
import type { EngineOptions, EngineStats, FromEngine, ModelInfo, StepRow, Submit, ToEngine } from "./protocol.ts";
import { SequenceStream } from "./stream.ts";

export type SequenceRequest = Omit<Submit, "type" | "id">;

/** What the rest of the HTTP process knows of an engine. Tests pass a scripted one. */
export interface Engine {
  /** Undefined until the engine was ready once; kept while it restarts. */
  readonly info: ModelInfo | undefined;
  readonly state: "starting" | "ready" | "restarting" | "stopping";
  /**
   * One sequence from submission to its end. The iterable ends after the row with `finish`, or throws EngineError.
   * Aborting the signal, or leaving the loop early, aborts the sequence within one step.
   */
  generate(request: SequenceRequest, signal: AbortSignal): AsyncIterable<StepRow>;
  stats(): Promise<EngineStats>;
  /** Drops every stored prefix that no sequence is using. */
  clearCache(): Promise<EngineStats>;
}

/** The engine refused to start: a bad checkpoint, no library, no memory. */
export class EngineRefused extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export interface StartOptions {
  readonly command: readonly string[]; // the executable with its hidden command
  readonly engine: EngineOptions;
  readonly onRestart?: (delayMs: number) => void; // the engine died and is started again after that time
}

const FIRST_RESTART_MS = 50;
const LONGEST_RESTART_MS = 30_000;
const STEADY_MS = 60_000; // an engine that lived that long is restarted without delay
const RETRY_AFTER_SECONDS = 2;

export class EngineProcess implements Engine {
  info: ModelInfo | undefined;
  state: Engine["state"] = "starting";
  /** Settles with the first start: the model's facts, or EngineRefused. */
  readonly ready: Promise<ModelInfo>;
  private child!: Subprocess;
  private startedAt = 0;
  private restartMs = FIRST_RESTART_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private nextId = 1;
  private readonly streams = new Map<number, SequenceStream>();
  private readonly asks = new Map<number, { resolve: (stats: EngineStats) => void; reject: (error: Error) => void }>();
  private settle: { resolve: (info: ModelInfo) => void; reject: (error: Error) => void };

  constructor(private readonly options: StartOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<ModelInfo>();
    this.ready = promise;
    this.settle = { resolve, reject };
    this.spawn();
  }

  get pid(): number {
    return this.child.pid;
  }

  generate(request: SequenceRequest, signal: AbortSignal): AsyncIterable<StepRow> {
    if (this.state !== "ready")
      throw new EngineError(this.state === "stopping" ? "stopping" : "engine_lost", `the engine is ${this.state}`, RETRY_AFTER_SECONDS);
    const id = this.nextId++;
    const stream = new SequenceStream(signal, () => {
      this.streams.delete(id);
      this.send({ type: "abort", id });
    });
    this.streams.set(id, stream);
    this.send({ type: "submit", id, ...request });
    return stream;
  }

  stats(): Promise<EngineStats> {
    return this.ask("stats");
  }

  clearCache(): Promise<EngineStats> {
    return this.ask("clear-cache");
  }

  private ask(type: "stats" | "clear-cache"): Promise<EngineStats> {
    if (this.state !== "ready") return Promise.reject(new EngineError("engine_lost", `the engine is ${this.state}`, RETRY_AFTER_SECONDS));
    const { promise, resolve, reject } = Promise.withResolvers<EngineStats>();
    const ask = this.nextId++;
    this.asks.set(ask, { resolve, reject });
    this.send({ type, ask });
    return promise;
  }

  /** Lets what runs finish and refuses what comes; resolves when the process is gone. */
  async drain(): Promise<void> {
    this.stop();
    this.send({ type: "drain" });
    await this.child.exited;
  }

  /** Ends the process at once; what runs fails. */
  async close(): Promise<void> {
    this.stop();
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  private stop(): void {
    this.state = "stopping";
    clearTimeout(this.timer);
  }

  private spawn(): void {
    this.startedAt = Date.now();
    const child: Subprocess = Bun.spawn([...this.options.command], {
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "advanced",
      ipc: message => {
        if (child === this.child) this.receive(message as FromEngine);
      },
      onExit: (): void => this.exited(child),
    });
    this.child = child;
    child.send(this.options.engine);
  }

  private receive(message: FromEngine): void {
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
      case "ready":
        this.info = message.info;
        if (this.state !== "stopping") this.state = "ready";
        this.settle.resolve(message.info);
        return;
      case "refused":
        this.settle.reject(new EngineRefused(message.message, message.exitCode));
        return;
      case "stats":
        this.asks.get(message.ask)?.resolve(message.stats);
        this.asks.delete(message.ask);
        return;
    }
  }

  private exited(child: Subprocess): void {
    if (child !== this.child) return;
    this.loseAll();
    if (this.info === undefined)
      this.settle.reject(new EngineRefused(`the engine ended while it started (${child.signalCode ?? `exit code ${child.exitCode}`})`, 1));
    if (this.state === "stopping" || this.info === undefined) return;
    this.state = "restarting";
    this.restartMs = Date.now() - this.startedAt > STEADY_MS ? FIRST_RESTART_MS : Math.min(this.restartMs * 2, LONGEST_RESTART_MS);
    this.options.onRestart?.(this.restartMs);
    this.timer = setTimeout(() => this.spawn(), this.restartMs);
  }

  /** Every sequence and question of a dead process fails. */
  private loseAll(): void {
    const lost = new EngineError("engine_lost", "the engine process ended; it is started again by itself", RETRY_AFTER_SECONDS);
    for (const stream of this.streams.values()) stream.fail(lost);
    for (const ask of this.asks.values()) ask.reject(lost);
    this.streams.clear();
    this.asks.clear();
  }

  private send(message: ToEngine): void {
    if (this.child.exitCode === null && !this.child.killed) this.child.send(message);
  }
}
