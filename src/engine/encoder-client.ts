// The HTTP process's side of one encoder engine: one promise of all vectors per request.
import { EngineChild, RETRY_AFTER_SECONDS, type EngineState } from "./child.ts";
import { EngineError } from "./error.ts";
import type { Encoded, EncoderInfo, EncoderOptions, EncodeText, Failed, ToEncoder } from "./protocol.ts";

/** What the rest of the HTTP process knows of an encoder engine. Tests pass a scripted one. */
export interface EncoderEngine {
  /** Undefined until the engine was ready once; kept while it restarts. */
  readonly info: EncoderInfo | undefined;
  readonly state: EngineState;
  /** One vector per text, in their order. Throws EngineError; an aborted signal ends the work within one step and rejects with its reason. */
  encode(texts: readonly EncodeText[], signal: AbortSignal, priority?: number): Promise<Float32Array[]>;
}

export interface EncoderStart {
  readonly command: readonly string[]; // the executable with its hidden command
  readonly engine: EncoderOptions;
  readonly onRestart?: (delayMs: number) => void;
}

interface Request {
  readonly vectors: Float32Array[];
  left: number; // texts without a vector
  readonly end: (error?: Error) => void;
}

type News = Encoded | Failed;

export class EncoderProcess implements EncoderEngine {
  private readonly child: EngineChild<EncoderInfo, ToEncoder, News>;
  private nextId = 1;
  private readonly requests = new Map<number, Request>();

  constructor({ engine, ...start }: EncoderStart) {
    const lose = (error: EngineError): void => [...this.requests.values()].forEach(({ end }) => end(error));
    this.child = new EngineChild({ ...start, first: engine, receive: news => this.receive(news), lose });
  }

  get info(): EncoderInfo | undefined {
    return this.child.info;
  }

  get state(): EngineState {
    return this.child.state;
  }

  /** Settles with the first start: the model's facts, or EngineRefused. */
  get ready(): Promise<EncoderInfo> {
    return this.child.ready;
  }

  get pid(): number {
    return this.child.pid;
  }

  async encode(texts: readonly EncodeText[], signal: AbortSignal, priority?: number): Promise<Float32Array[]> {
    this.child.checkReady();
    signal.throwIfAborted();
    const id = this.nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>();
    const vectors = new Array<Float32Array>(texts.length);
    const leave = () => {
      this.child.send({ type: "abort", id });
      end(signal.reason as Error);
    };
    const end = (error?: Error) => {
      this.requests.delete(id);
      signal.removeEventListener("abort", leave);
      if (error === undefined) resolve(vectors);
      else reject(error);
    };
    signal.addEventListener("abort", leave);
    this.requests.set(id, { vectors, left: texts.length, end });
    this.child.send({ type: "encode", id, texts, ...(priority !== undefined && { priority }) });
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

  private receive(news: News): void {
    if (news.type === "failed") {
      const retryAfter = news.code === "overloaded" ? RETRY_AFTER_SECONDS : undefined;
      return this.requests.get(news.id)?.end(new EngineError(news.code, news.message, retryAfter));
    }
    for (const { id, text, vector } of news.rows) {
      const request = this.requests.get(id);
      if (request === undefined) continue; // it was aborted while the step ran
      request.vectors[text] = vector;
      if (--request.left === 0) request.end();
    }
  }
}
