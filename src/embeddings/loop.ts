// An encoder's life: take in what was sent, encode one step's texts, report, give way. The transport and the model are functions, so
// tests run it in memory.
import type { Encode, EncodeText, FailureCode, FromEncoder, ToEncoder } from "../engine/protocol.ts";
import { EncodeQueue, type QueuedText } from "./queue.ts";
import { messageOf } from "../util/message-of.ts";
import { nextTurn } from "../util/next-turn.ts";

export interface EncoderLoopOptions {
  readonly encode: (texts: readonly EncodeText[]) => Float32Array[];
  readonly send: (message: FromEncoder) => void;
  readonly vocabSize: number;
  readonly maxLength: number;
  readonly maxQueue: number; // requests waiting
  readonly stepTokens: number; // ids encoded between two looks at the inbox
}

export class EncoderLoop {
  private readonly queue: EncodeQueue;
  private readonly inbox: ToEncoder[] = [];
  private wake: (() => void) | undefined;
  private draining = false;

  constructor(private readonly options: EncoderLoopOptions) {
    this.queue = new EncodeQueue(options.maxQueue);
  }

  /** Hands a message in; it is looked at before the next step. */
  receive(message: ToEncoder): void {
    this.inbox.push(message);
    this.wake?.();
  }

  /** Runs until a drain message was received and nothing is left to do. */
  async run(): Promise<void> {
    for (;;) {
      this.takeIn();
      const texts = this.queue.take(this.options.stepTokens);
      if (texts.length > 0) {
        this.step(texts);
        await nextTurn();
      } else if (this.draining) return;
      else await this.message();
    }
  }

  private takeIn(): void {
    for (const message of this.inbox.splice(0)) {
      if (message.type === "encode") this.add(message);
      else if (message.type === "abort") this.queue.remove(message.id);
      else this.draining = true;
    }
  }

  private add(request: Encode): void {
    const { vocabSize, maxLength, maxQueue } = this.options;
    const { id, texts } = request;
    if (this.draining) return this.fail(id, "stopping", "the server is stopping");
    for (const { ids } of texts) {
      if (ids.length === 0) return this.fail(id, "internal", "a text needs at least one id");
      if (ids.length > maxLength) return this.fail(id, "too_long", `a text has ${ids.length} tokens and the model takes ${maxLength}`);
      if (ids.some(id => id >= vocabSize)) return this.fail(id, "internal", `an id lies outside the vocabulary of ${vocabSize}`);
    }
    if (!this.queue.add(request)) this.fail(id, "overloaded", `${maxQueue} requests are waiting already`);
  }

  /** A step that fails ends the requests whose texts were in it; the others go on. */
  private step(texts: readonly QueuedText[]): void {
    try {
      const vectors = this.options.encode(texts.map(({ content }) => content));
      const broken = new Set(texts.filter((_, i) => vectors[i]!.some(x => !Number.isFinite(x))).map(({ id }) => id));
      for (const id of broken) this.drop(id, "the model's numbers are not finite for this input");
      const rows = texts.flatMap(({ id, text }, i) => (broken.has(id) ? [] : [{ id, text, vector: vectors[i]! }]));
      if (rows.length > 0) this.options.send({ type: "encoded", rows });
    } catch (error) {
      const message = messageOf(error);
      for (const id of new Set(texts.map(({ id }) => id))) this.drop(id, message);
    }
  }

  private drop(id: number, message: string): void {
    this.queue.remove(id);
    this.fail(id, "internal", message);
  }

  private fail(id: number, code: FailureCode, message: string): void {
    this.options.send({ type: "failed", id, code, message });
  }

  private message(): Promise<void> {
    if (this.inbox.length > 0) return Promise.resolve();
    return new Promise<void>(resolve => (this.wake = resolve)).then(() => void (this.wake = undefined));
  }
}
