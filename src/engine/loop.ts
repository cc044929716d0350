// The engine's life: take in what was sent, plan a step, start it on the device, report the step before, give way.
// Owns no tensors and no process; the transport is a function, so tests run it in memory.
import type { Plan } from "../scheduler/scheduler.ts";
import type { Pace } from "../scheduler/pace.ts";
import { idsRead, Scheduler, type Limits } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { DeviceCounters, Memory } from "./memory.ts";
import type { EngineStats, FailureCode, FromEngine, SequenceStats, StepRow, Submit, ToEngine } from "./protocol.ts";
import { Outbox } from "./outbox.ts";
import { Rate } from "./rate.ts";
import { Watch, type WatchOptions } from "./watch.ts";
import type { Pending, StepResult } from "./pending.ts";
import type { StepRunner } from "./step-runner.ts";
import { messageOf } from "../util/message-of.ts";
import { nextTurn } from "../util/next-turn.ts";

/** A step on the device. */
interface Flight {
  readonly plan: Plan;
  readonly pending: Pending;
  readonly startedAt: number; // ms
}

const IDLE_MS = 1000; // without work, before unused memory is given back

export interface LoopOptions {
  readonly limits: Limits;
  readonly vocabSize: number;
  readonly send: (message: FromEngine) => void;
  readonly deviceStats: () => DeviceCounters;
  readonly memory?: Memory; // without it memory is not bounded
  readonly pace?: Pace; // without it every step may read limits.prefillChunk ids
  readonly widenAt?: number; // one row at a time until so many sequences meet
  readonly streamInterval?: number; // ids per message; 1 when absent
  readonly watch?: WatchOptions;
}

export class EngineLoop {
  private readonly scheduler: Scheduler;
  private readonly inbox: ToEngine[] = [];
  private readonly outbox: Outbox;
  private readonly watch: Watch;
  private wake: (() => void) | undefined;
  private draining = false;
  private steps = 0;
  private promptTokens = 0;
  private completionTokens = 0;
  private finished = 0;
  private peak = 0; // most sequences open at a time
  private lastReadAt = 0; // ms
  private readonly promptRate = new Rate();
  private readonly completionRate = new Rate();

  constructor(
    private readonly runner: StepRunner,
    private readonly options: LoopOptions,
  ) {
    const { limits, memory } = options;
    this.outbox = new Outbox(options.streamInterval ?? 1);
    this.watch = new Watch(options.watch ?? {});
    const contextLength = memory?.ledger.longest(limits.contextLength) ?? limits.contextLength;
    this.scheduler = new Scheduler(
      { ...limits, contextLength },
      {
        begin: sequence => runner.begin(sequence),
        preempted: sequence => runner.forget(sequence),
        hasRoom: (sequence, running) => memory?.hasRoom(sequence, running) ?? true,
      },
    );
    this.setWidth();
  }

  /** One row at a time, or as many as the limits allow. */
  private setWidth(): void {
    this.peak = Math.max(this.peak, this.scheduler.openCount);
    const narrow = this.options.widenAt !== undefined && this.peak < this.options.widenAt;
    this.scheduler.rowLimit = narrow || this.watch.serializes ? 1 : this.options.limits.maxRows;
  }

  /** Hands a message in; it is looked at before the next step. */
  receive(message: ToEngine): void {
    this.inbox.push(message);
    this.wake?.();
  }

  /** Runs until a drain message was received and nothing is left to do. */
  async run(): Promise<void> {
    let flight: Flight | undefined;
    for (;;) {
      this.takeIn();
      try {
        flight = this.advance(flight);
      } catch (error) {
        flight = undefined;
        this.failAll(error);
      }
      if (flight === undefined && this.scheduler.idle && !this.watch.probing) {
        if (this.draining) return;
        await this.message();
      } else await nextTurn();
    }
  }

  /** One step: dispatches the next plan before it waits for the last one. */
  private advance(last: Flight | undefined): Flight | undefined {
    const startedAt = performance.now();
    this.watch.poll(startedAt);
    this.setWidth();
    this.options.memory?.makeRoom(this.scheduler);
    const plan = this.scheduler.schedule(this.options.pace?.chunk(this.scheduler.streaming));
    const rests = plan.decode.length + plan.chunks.length === 0;
    if (rests && last !== undefined) this.finish(last); // whoever waits for the last ids need not wait until rows are stored
    const pending = this.runner.dispatch(plan);
    if (pending !== undefined) this.steps += 1;
    this.promptTokens += idsRead(plan);
    if (!rests && last !== undefined) this.finish(last, pending);
    else if (pending !== undefined) this.runner.complete(pending);
    if (this.draining) this.watch.close();
    this.watch.step(this.options.pace?.chunk(true));
    return pending && { plan, pending, startedAt };
  }

  /** Takes a step's results off the device and reports them, while `next` runs. */
  private finish(flight: Flight, next?: Pending): void {
    const result = this.runner.read(flight.pending);
    if (next !== undefined) this.runner.complete(next);
    const before = this.completionTokens;
    this.report(result);
    this.measure(flight, this.completionTokens - before);
  }

  /** A step took from its start, or from the end of the one before, until now. */
  private measure({ plan, startedAt }: Flight, drawn: number): void {
    const now = performance.now();
    const from = Math.max(startedAt, this.lastReadAt);
    this.options.pace?.observe(idsRead(plan), plan.decode.length, now - from);
    this.promptRate.add(idsRead(plan), from, now);
    this.completionRate.add(drawn, from, now);
    this.lastReadAt = now;
    this.options.memory?.measure(plan);
  }

  private report({ drawn, ended, promptLogprobs, stuck }: StepResult): void {
    const rows: StepRow[] = [];
    for (const { sequence, tokens } of promptLogprobs) this.outbox.addPrompt(sequence, tokens);
    for (const { sequence, message } of stuck) this.giveUp(sequence, message);
    for (const one of drawn) {
      if (!one.sequence.record(one.id)) continue;
      this.completionTokens += 1;
      one.sequence.firstIdAt ??= performance.now();
      const row = this.outbox.add(one);
      if (row !== undefined) rows.push(row);
    }
    for (const sequence of ended) {
      if (sequence.finish !== undefined) continue;
      sequence.finish = "length";
      rows.push(this.outbox.row(sequence));
    }
    for (const sequence of new Set([...drawn.map(one => one.sequence), ...ended])) if (sequence.finish !== undefined) this.end(sequence);
    if (rows.length > 0) this.options.send({ type: "step", rows });
  }

  private giveUp(sequence: Sequence, message: string): void {
    if (sequence.finish !== undefined) return;
    sequence.finish = "abort";
    this.drop(sequence);
    this.fail(sequence.id, "constraint", message);
  }

  private end(sequence: Sequence): void {
    if (!this.scheduler.knows(sequence)) return; // ended before, by an abort or by an earlier id
    this.finished += 1;
    this.watch.ended(sequence);
    this.drop(sequence);
  }

  private drop(sequence: Sequence): void {
    this.scheduler.remove(sequence);
    this.outbox.drop(sequence);
  }

  private takeIn(): void {
    for (const message of this.inbox.splice(0)) {
      if (message.type === "submit") this.submit(message);
      else if (message.type === "abort") this.abort(message.id);
      else if (message.type === "drain") this.draining = true;
      else if (message.type === "vocabulary") this.runner.learn(message);
      else {
        if (message.type === "clear-cache") this.runner.clearPrefixes();
        this.options.send({ type: "stats", ask: message.ask, stats: this.stats() });
      }
    }
  }

  private submit(request: Submit): void {
    const { contextLength, maxQueue } = this.options.limits;
    const { length } = request.prompt;
    if (this.draining) return this.fail(request.id, "stopping", "the server is stopping");
    if (length === 0) return this.fail(request.id, "internal", "a sequence needs at least one prompt id");
    if (length + Math.min(1, request.maxTokens) > contextLength)
      return this.fail(request.id, "too_long", `the prompt has ${length} tokens and the context ends at ${contextLength}`);
    if (request.prompt.some(id => id >= this.options.vocabSize))
      return this.fail(request.id, "internal", `a prompt id lies outside the vocabulary of ${this.options.vocabSize}`);
    const refusal = this.options.memory?.refusal(length + Math.min(1, request.maxTokens));
    if (refusal !== undefined) return this.fail(request.id, "memory", refusal);
    if (this.isPressed()) return this.fail(request.id, "pressure", "Memory pressure is critical; rejecting new requests.");
    const sequence = this.scheduler.add(this.shortened(request));
    if (sequence === undefined) return this.fail(request.id, "overloaded", `${maxQueue} requests are waiting already`);
    sequence.arrivedAt = performance.now();
    this.setWidth();
  }

  /** Whether a new request must be refused. Caches are given back first, and an engine where nothing runs refuses nobody: it would never take one again. */
  private isPressed(): boolean {
    this.watch.poll(performance.now());
    if (this.watch.pressure?.rejects !== true) return false;
    this.options.memory?.giveBack();
    this.watch.pollAgain();
    return this.watch.pressure.rejects && !this.scheduler.idle;
  }

  private shortened(request: Submit): Submit {
    const factor = this.watch.pressure?.maxTokensFactor ?? 1;
    return factor === 1 || request.maxTokens === 0 ? request : { ...request, maxTokens: Math.max(1, Math.floor(request.maxTokens * factor)) };
  }

  private abort(id: number): void {
    const sequence = this.scheduler.abort(id);
    if (sequence === undefined) return;
    this.runner.forget(sequence);
    this.drop(sequence);
    this.options.send({ type: "step", rows: [{ id, ids: [], finish: "abort" }] });
  }

  /** A failed step ends every sequence that was admitted, because the state of their rows is unknown; the next request works. */
  private failAll(error: unknown): void {
    const message = messageOf(error);
    this.watch.close();
    this.runner.reset();
    this.scheduler.forgetInFlight();
    for (const sequence of this.scheduler.admitted()) {
      this.drop(sequence);
      this.fail(sequence.id, "internal", message);
    }
  }

  private fail(id: number, code: FailureCode, message: string): void {
    this.options.send({ type: "failed", id, code, message });
  }

  private message(): Promise<void> {
    if (this.inbox.length > 0) return Promise.resolve();
    const idle = setTimeout(() => this.options.memory?.idle(), IDLE_MS);
    return new Promise<void>(resolve => (this.wake = resolve)).then(() => {
      this.wake = undefined;
      clearTimeout(idle);
    });
  }

  private stats(): EngineStats {
    const device = this.options.deviceStats();
    return {
      running: this.scheduler.runningCount,
      waiting: this.scheduler.waitingCount,
      steps: this.steps,
      promptTokens: this.promptTokens,
      completionTokens: this.completionTokens,
      promptRate: this.promptRate.perSecond(performance.now()),
      completionRate: this.completionRate.perSecond(performance.now()),
      finished: this.finished,
      preemptions: this.scheduler.preemptions,
      peakConcurrency: this.peak,
      mode: this.scheduler.rowLimit === 1 ? "simple" : "batched",
      prefix: this.runner.prefixStats,
      memory: this.options.memory?.stats(this.scheduler),
      pressure: this.watch.pressure?.report,
      divergence: this.watch.divergence?.report(Date.now()),
      repetitions: this.watch.repetitions,
      sequences: this.scheduler.open().map(toStats),
      ...device,
      peakBytes: Math.max(device.peakBytes, this.options.memory?.peakBytes ?? 0),
    };
  }
}

function toStats(sequence: Sequence): SequenceStats {
  const { id, request, answer, cached, arrivedAt, firstIdAt, running, promptRead } = sequence;
  return {
    id,
    tag: request.tag,
    phase: !running ? "queued" : promptRead ? "generation" : "prefill",
    promptTokens: request.prompt.length,
    completionTokens: answer.length,
    maxTokens: sequence.limit,
    cachedTokens: cached,
    elapsedMs: performance.now() - arrivedAt,
    firstTokenMs: firstIdAt === undefined ? undefined : firstIdAt - arrivedAt,
  };
}
