// An engine process as its parent sees it: started, started again when it dies, told to stop. What it says beside ready and refused
// is its client's business.
import type { Subprocess } from "bun";
import { EngineError } from "./error.ts";
import type { Refused, WarmingUp } from "./protocol.ts";

export type EngineState = "starting" | "warming_up" | "ready" | "restarting" | "stopping";

/** The engine refused to start: a bad checkpoint, no library, no memory. */
export class EngineRefused extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export interface ChildOptions<News> {
  readonly command: readonly string[]; // the executable with its hidden command
  readonly first: object; // the message that says how to start
  readonly onRestart?: (delayMs: number) => void; // the engine died and is started again after that time
  readonly onWarmUp?: (progress: WarmingUp) => void;
  readonly receive: (news: News) => void;
  readonly lose: (error: EngineError) => void; // whatever was asked of the process is lost with it
}

const FIRST_RESTART_MS = 50;
const LONGEST_RESTART_MS = 30_000;
const STEADY_MS = 60_000; // an engine that lived that long is restarted without delay
export const RETRY_AFTER_SECONDS = 2;

export class EngineChild<Info, To, News extends { readonly type: string }> {
  /** Undefined until the engine was ready once; kept while it restarts. */
  info: Info | undefined;
  state: EngineState = "starting";
  /** What the engine tries out while it warms up. */
  warmingUp: WarmingUp | undefined;
  /** Settles with the first start: the model's facts, or EngineRefused. */
  readonly ready: Promise<Info>;
  private child!: Subprocess;
  private readonly unsent: To[] = [];
  private startedAt = 0;
  private restartMs = FIRST_RESTART_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly settle: { resolve: (info: Info) => void; reject: (error: Error) => void };

  constructor(private readonly options: ChildOptions<News>) {
    const { promise, resolve, reject } = Promise.withResolvers<Info>();
    this.ready = promise;
    this.settle = { resolve, reject };
    this.spawn();
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Throws EngineError unless the engine takes requests now. */
  checkReady(): void {
    if (this.state !== "ready")
      throw new EngineError(this.state === "stopping" ? "stopping" : "engine_lost", `the engine is ${this.state}`, RETRY_AFTER_SECONDS);
  }

  /** What is sent in one turn travels together, so that requests which come together are read together. */
  send(message: To): void {
    if (this.unsent.push(message) === 1) queueMicrotask(() => this.flush());
  }

  private flush(): void {
    const messages = this.unsent.splice(0);
    if (this.child.exitCode === null && !this.child.killed) this.child.send(messages);
  }

  /** Refuses what comes; resolves when the process is gone, which `message` asks of it. */
  async drain(message: To): Promise<void> {
    this.stop();
    this.send(message);
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
        if (child === this.child) this.receive(message as News | Refused | WarmingUp | { readonly type: "ready"; readonly info: Info });
      },
      onExit: (): void => this.exited(child),
    });
    this.child = child;
    child.send(this.options.first);
  }

  private receive(message: News | Refused | WarmingUp | { readonly type: "ready"; readonly info: Info }): void {
    if (isReady(message)) {
      this.info = message.info;
      this.warmingUp = undefined;
      if (this.state !== "stopping") this.state = "ready";
      this.settle.resolve(message.info);
    } else if (isRefused(message)) this.settle.reject(new EngineRefused(message.message, message.exitCode));
    else if (isWarmingUp(message)) {
      this.warmingUp = message;
      if (this.state !== "stopping") this.state = "warming_up";
      this.options.onWarmUp?.(message);
    } else this.options.receive(message as News);
  }

  private exited(child: Subprocess): void {
    if (child !== this.child) return;
    this.warmingUp = undefined;
    this.options.lose(new EngineError("engine_lost", "the engine process ended; it is started again by itself", RETRY_AFTER_SECONDS));
    if (this.info === undefined)
      this.settle.reject(new EngineRefused(`the engine ended while it started (${child.signalCode ?? `exit code ${child.exitCode}`})`, 1));
    if (this.state === "stopping" || this.info === undefined) return;
    this.state = "restarting";
    this.restartMs = Date.now() - this.startedAt > STEADY_MS ? FIRST_RESTART_MS : Math.min(this.restartMs * 2, LONGEST_RESTART_MS);
    this.options.onRestart?.(this.restartMs);
    this.timer = setTimeout(() => this.spawn(), this.restartMs);
  }
}

function isReady<Info>(message: { readonly type: string }): message is { readonly type: "ready"; readonly info: Info } {
  return message.type === "ready";
}

function isRefused(message: { readonly type: string }): message is Refused {
  return message.type === "refused";
}

function isWarmingUp(message: { readonly type: string }): message is WarmingUp {
  return message.type === "warming-up";
}
