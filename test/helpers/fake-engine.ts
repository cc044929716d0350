// A scripted Engine for tests of the HTTP process: no model, no tensors. Each sequence plays one script; everything asked of it is recorded.
import type { Engine, SequenceRequest } from "../../src/engine/client.ts";
import { EngineError } from "../../src/engine/error.ts";
import type { EngineStats, FailureCode, ModelInfo, PrefixDiagnosis, PrefixStats, StepRow, TokenLogprob } from "../../src/engine/protocol.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

export interface Script {
  /** What the model writes before it ends by itself. */
  readonly ids: readonly number[];
  /** Ids per step; the last number repeats. One by one when absent. */
  readonly steps?: readonly number[];
  /** Milliseconds before each row; without it rows still come in separate turns of the event loop. */
  readonly delay?: number;
  /** Throws EngineError once `ids` are out, instead of ending. */
  readonly fail?: { readonly code: FailureCode; readonly message: string; readonly retryAfterSeconds?: number };
  /** Waits for an abort once `ids` are out, instead of ending. */
  readonly hang?: boolean;
  readonly cachedTokens?: number;
  /** The engine ends the answer after `ids`, because they repeat. */
  readonly repetition?: string;
  readonly prefix?: PrefixDiagnosis; // given to who asks for it
}

export interface FakeSequence {
  readonly request: SequenceRequest;
  readonly sent: number[]; // ids given out so far
  end: "running" | "stop" | "length" | "abort" | "failed";
}

export interface FakeOptions {
  readonly info?: Partial<ModelInfo>;
  readonly state?: Engine["state"];
  readonly warmingUp?: Engine["warmingUp"];
  readonly loaded?: boolean; // false: `info` is undefined
  readonly prefix?: PrefixStats;
}

const defaultInfo: ModelInfo = {
  modelType: "fake",
  parameters: 1000,
  bytes: 2000,
  quantization: "bfloat16",
  vocabSize: 1_000_000,
  contextLength: 4096,
  layers: 1,
  device: "cpu",
  unreadTensors: [],
};

/**
 * Plays scripts: one for all sequences, a list that is used in order (its last repeats), or a function of the request.
 * Like the real engine it stops at a stop id, counts to `maxTokens`, and ends a script that ran out with the first stop id ("length" when there is none).
 */
export class FakeEngine implements Engine {
  info: ModelInfo | undefined;
  state: Engine["state"];
  warmingUp: Engine["warmingUp"];
  readonly sequences: FakeSequence[] = [];
  cleared = 0; // calls of clearCache
  private readonly prefix: PrefixStats | undefined;

  constructor(
    private readonly scripts: Script | readonly Script[] | ((request: SequenceRequest, index: number) => Script),
    options: FakeOptions = {},
  ) {
    this.info = options.loaded === false ? undefined : { ...defaultInfo, ...options.info };
    this.state = options.state ?? "ready";
    this.warmingUp = options.warmingUp;
    this.prefix = options.prefix;
  }

  learn(): void {}

  get running(): number {
    return this.sequences.filter(sequence => sequence.end === "running").length;
  }

  get aborted(): number {
    return this.sequences.filter(sequence => sequence.end === "abort").length;
  }

  async *generate(request: SequenceRequest, signal: AbortSignal): AsyncIterable<StepRow> {
    const index = this.sequences.length;
    const sequence: FakeSequence = { request, sent: [], end: "running" };
    this.sequences.push(sequence);
    const script = this.scriptFor(request, index);
    try {
      for (const row of playRows(request, script, index)) {
        if (!(await pause(script.delay ?? 0, signal))) return yield abortRow(sequence, index);
        sequence.sent.push(...row.ids);
        if (row.finish === "stop" || row.finish === "length") sequence.end = row.finish;
        yield row;
        if (row.finish) return;
      }
      if (!script.fail) {
        await new Promise<void>(resolve => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));
        return yield abortRow(sequence, index);
      }
      sequence.end = "failed";
      throw new EngineError(script.fail.code, script.fail.message, script.fail.retryAfterSeconds);
    } finally {
      if (sequence.end === "running") sequence.end = "abort"; // the reader left the loop
    }
  }

  async stats(): Promise<EngineStats> {
    const count = (end: FakeSequence["end"]) => this.sequences.filter(sequence => sequence.end === end).length;
    return {
      running: this.running,
      waiting: 0,
      steps: 0,
      promptTokens: this.sequences.reduce((sum, sequence) => sum + sequence.request.prompt.length, 0),
      completionTokens: this.sequences.reduce((sum, sequence) => sum + sequence.sent.length, 0),
      promptRate: 0,
      completionRate: 0,
      finished: count("stop") + count("length"),
      preemptions: 0,
      peakConcurrency: 0,
      mode: "batched",
      prefix: this.prefix,
      memory: undefined,
      pressure: undefined,
      divergence: undefined,
      sequences: [],
      repetitions: { total: 0, byMode: {}, byTrigger: {}, tokensSaved: 0 },
      liveHandles: 0,
      activeBytes: 0,
      peakBytes: 0,
      cacheBytes: 0,
    };
  }

  clearCache(): Promise<EngineStats> {
    this.cleared += 1;
    return this.stats();
  }

  private scriptFor(request: SequenceRequest, index: number): Script {
    if (typeof this.scripts === "function") return this.scripts(request, index);
    if (!Array.isArray(this.scripts)) return this.scripts as Script;
    const script: Script | undefined = this.scripts[Math.min(index, this.scripts.length - 1)];
    if (!script) throw new Error("a fake engine needs at least one script");
    return script;
  }
}

/** Every row of a script up to its end; without a row that has `finish` the script fails or hangs. */
function* playRows(request: SequenceRequest, script: Script, id: number): Generator<StepRow> {
  const open = script.fail !== undefined || script.hang === true;
  const stopId = request.stopIds[0];
  const written = open || stopId === undefined || script.repetition !== undefined ? script.ids : [...script.ids, stopId];
  const stopAt = written.findIndex((token, at) => at >= request.minTokens && request.stopIds.includes(token));
  const whole = stopAt < 0 ? written : written.slice(0, stopAt + 1);
  const ids = whole.slice(0, request.maxTokens);
  const cut = whole.length > request.maxTokens || request.maxTokens === 0;
  const finish = cut ? "length" : stopAt >= 0 ? "stop" : open ? undefined : script.repetition !== undefined ? "stop" : "length";

  let first = true;
  for (const [at, end] of cuts(ids.length, script.steps ?? [1])) {
    const part = ids.slice(at, end);
    const last = end === ids.length;
    yield {
      id,
      ids: part,
      ...(request.logprobs !== undefined && { logprobs: part.map(token => fakeLogprob(token, request.logprobs ?? 0)) }),
      ...(first && request.promptLogprobs !== undefined && { promptLogprobs: promptLogprobs(request) }),
      ...(first && { cachedTokens: script.cachedTokens ?? 0 }),
      ...(first && request.diagnose && script.prefix && { prefix: script.prefix }),
      ...(last && finish && { finish }),
      ...(last && script.repetition !== undefined && { repetition: script.repetition }),
    };
    first = false;
  }
}

function* cuts(length: number, steps: readonly number[]): Generator<[number, number]> {
  if (length === 0) yield [0, 0];
  for (let at = 0, step = 0; at < length; step++) {
    const end = Math.min(length, at + Math.max(1, steps[Math.min(step, steps.length - 1)] ?? 1));
    yield [at, end];
    at = end;
  }
}

/** The likelihood a fake gives to an id: a fixed function of the id, alternatives with the ids after it. */
export function fakeLogprob(id: number, alternatives: number): TokenLogprob {
  const top = Array.from({ length: alternatives }, (_, rank) => [id + rank, -0.25 * (rank + 1)] as const);
  return { id, logprob: -0.25, top };
}

function promptLogprobs(request: SequenceRequest): (TokenLogprob | null)[] {
  return Array.from(request.prompt, (id, at) => (at === 0 ? null : fakeLogprob(id, request.promptLogprobs ?? 0)));
}

function abortRow(sequence: FakeSequence, id: number): StepRow {
  sequence.end = "abort";
  return { id, ids: [], finish: "abort" };
}

/** False when the signal came first. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (milliseconds > 0 && !signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  } else await nextTurn();
  return !signal.aborted;
}
