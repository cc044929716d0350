// A scripted encoder engine for tests of the HTTP process: no model, no tensors. Everything asked of it is recorded.
import { EngineRefused } from "../../src/engine/child.ts";
import { EngineError } from "../../src/engine/error.ts";
import type { EncoderInfo, EncodeText } from "../../src/engine/protocol.ts";
import type { OwnedEncoder } from "../../src/retrieval/service.ts";

export interface FakeEncoderOptions {
  /** The vector of one text; its length, its first and its last id otherwise. */
  readonly vector?: (text: EncodeText) => readonly number[];
  readonly info?: Partial<EncoderInfo>;
  readonly refuses?: string; // it never starts, for this reason
  readonly fails?: EngineError;
  readonly hangs?: boolean; // until the request is aborted
}

const encoderInfo: EncoderInfo = {
  modelType: "fake",
  parameters: 1000,
  bytes: 4000,
  quantization: "float32",
  vocabSize: 5000,
  segments: 2,
  maxLength: 40,
  width: 3,
  head: "mean",
  device: "cpu",
  unreadTensors: [],
};

export class FakeEncoder implements OwnedEncoder {
  readonly asked: (readonly EncodeText[])[] = [];
  readonly priorities: (number | undefined)[] = []; // likewise
  readonly info: EncoderInfo | undefined;
  state: OwnedEncoder["state"] = "ready";
  aborted = 0;
  ended = false;

  constructor(private readonly options: FakeEncoderOptions = {}) {
    this.info = { ...encoderInfo, ...options.info };
  }

  get ready(): Promise<EncoderInfo> {
    const { refuses } = this.options;
    return refuses === undefined ? Promise.resolve(this.info!) : Promise.reject(new EngineRefused(refuses, 1));
  }

  async encode(texts: readonly EncodeText[], signal: AbortSignal, priority?: number): Promise<Float32Array[]> {
    const { fails, hangs, vector = ({ ids }) => [ids.length, ids[0]!, ids.at(-1)!] } = this.options;
    if (this.state !== "ready") throw new EngineError("engine_lost", `the engine is ${this.state}`, 2);
    this.asked.push(texts);
    this.priorities.push(priority);
    if (fails) throw fails;
    if (hangs) {
      await new Promise<void>(resolve => signal.addEventListener("abort", () => resolve(), { once: true }));
      this.aborted += 1;
      throw signal.reason;
    }
    return texts.map(text => Float32Array.from(vector(text)));
  }

  async drain(): Promise<void> {
    this.ended = true;
  }

  async close(): Promise<void> {
    this.ended = true;
  }
}
