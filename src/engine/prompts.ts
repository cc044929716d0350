// Reads prompts: each into a kv of its own, chunk by chunk, until its first id is drawn.
import type { PrefixStore } from "../kv/prefix-store.ts";
import { carriesStates } from "../kv/recurrent.ts";
import { BAND_SIZES, type BandSizes } from "../kv/band-sizes.ts";
import { KvRows } from "../kv/rows.ts";
import type { Model } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { gatherLogprobs } from "../sampling/logprobs.ts";
import { SamplerRow } from "../sampling/row.ts";
import type { Chunk } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import { adapterRows, storedIds, withModelIds } from "./adapters.ts";
import type { Grammars } from "./grammars.ts";
import type { Pending, PendingPrompt, Row } from "./pending.ts";
import { cutAtSnapshots } from "./snapshots.ts";
import { firstOfWave } from "./waves.ts";

/** Rows whose prompts are read, with their kv in the same order and the logits [B, V] of the first id. The receiver owns all of it. */
export interface ReadRows {
  readonly rows: readonly Row[];
  readonly kv: KvRows;
  readonly logits: Tensor;
}

interface ReadingRow extends Row {
  readonly kv: KvRows; // one row
  shared: number; // ids that stored prefixes have in common with the prompt, also where the row cannot go on behind them
  hasGaps: boolean; // blocks of its prompt were stored and are lost
}

/** Prompt log-probabilities need logits at every position; this many at a time bounds their memory. */
const LOGIT_POSITIONS = 64;

/** Prompts are read together when padding makes them longer by at most this part, or by so many ids that a GPU would not notice them. */
const MAX_PADDING = 1 / 8;
const UNNOTICED: Readonly<Record<mx.Backend, number>> = { cpu: 0, metal: 32, cuda: 32 };

export class PromptReader {
  private readonly reading = new Map<Sequence, ReadingRow>();
  private readonly carriesStates: boolean;

  constructor(
    private readonly model: Model,
    private readonly prefixes: PrefixStore | undefined,
    private readonly grammars: Grammars,
    private readonly sizes: BandSizes = BAND_SIZES,
  ) {
    this.carriesStates = carriesStates(model.layout);
  }

  /** How much longer than a prompt of so many ids one may be that is read with it; states would take padding in. */
  private readonly padding = (longest: number): number => (this.carriesStates ? 0 : Math.max(longest * MAX_PADDING, UNNOTICED[mx.backend()]));

  /** Takes a sequence in; returns how many ids of its prompt come from stored prefixes. */
  begin(sequence: Sequence): number {
    const { sampling, minTokens, stopIds, logprobs, thinking, prompt } = sequence.request;
    const kv = new KvRows(this.model.layout);
    const sampler = new SamplerRow({ sampling, minTokens, stopIds, logprobs, thinking }, this.model.vocabSize, prompt, sequence.answer);
    const row = { sequence, sampler, kv, matcher: this.grammars.open(sequence), shared: 0, hasGaps: false };
    this.reading.set(sequence, row);
    kv.addRow();
    if (sequence.request.diagnose && this.prefixes)
      sequence.prefix ??= withModelIds(sequence, this.prefixes.diagnose(this.stored(sequence, prompt)), this.model.vocabSize);
    return mx.scope(() => this.catchUp(row));
  }

  /** Takes what is stored of a prompt behind what its row holds; returns how many ids it holds then. */
  private catchUp(row: ReadingRow): number {
    const { sequence, kv } = row;
    const held = kv.lengths[0]!;
    if (this.prefixes === undefined || sequence.measuresPrompt) return held; // measuring needs every position's logits
    const { lost } = this.prefixes;
    row.shared = this.prefixes.restore(kv, this.stored(sequence, sequence.source));
    row.hasGaps ||= this.prefixes.lost > lost;
    sequence.cached += kv.lengths[0]! - held;
    return kv.lengths[0]!;
  }

  /** Gives a sequence up. */
  forget(sequence: Sequence): void {
    const row = this.reading.get(sequence);
    if (row === undefined) return;
    this.reading.delete(sequence);
    row.kv.release();
    row.sampler.release();
  }

  reset(): void {
    for (const sequence of [...this.reading.keys()]) this.forget(sequence);
  }

  get bytes(): number {
    return [...this.reading.values()].reduce((sum, row) => sum + row.kv.bytes, 0);
  }

  get stateBytes(): number {
    return [...this.reading.values()].reduce((sum, row) => sum + row.kv.stateBytes, 0);
  }

  /** Reads the chunks; notes in `pending` what will be known, and yields the rows that have come to the end of their prompts. */
  *read(chunks: readonly Chunk[], pending: Pending): Generator<ReadRows> {
    const { blockSize, least } = this.prefixes ?? { blockSize: Infinity, least: Infinity };
    for (let rest = chunks; rest.length > 0;) {
      const behind = rest.map(chunk => this.cutAtGap({ ...chunk, from: this.catchUp(this.reading.get(chunk.sequence)!) }));
      const whole = firstOfWave(behind, blockSize, least);
      const now = whole.map(chunk => this.readToLastSnapshot(chunk, pending));
      const ends = now.filter(({ sequence, to }) => to === sequence.source.length && sequence.limit > 0);
      for (const chunk of now) if (!ends.includes(chunk)) this.readPart(chunk, pending);
      for (const group of groups(ends, this.padding, this.sizes.longest)) yield this.readEnds(group, pending);
      const readTo = new Map(whole.map(({ sequence, to }) => [sequence, to]));
      rest = rest.filter(({ sequence, to }) => (readTo.get(sequence) ?? 0) < to);
    }
  }

  /** A chunk ends where stored blocks go on behind a lost one: the rest of it comes next. */
  private cutAtGap(chunk: Chunk): Chunk {
    const { sequence, from, to } = chunk;
    if (!this.reading.get(sequence)!.hasGaps || from >= to) return chunk;
    return { ...chunk, to: this.prefixes!.gapEnd(this.stored(sequence, sequence.source), from, to) };
  }

  /** Reads on to where the last snapshot of a chunk is due; returns what is left of it. */
  private readToLastSnapshot(chunk: Chunk, pending: Pending): Chunk {
    if (!this.carriesStates || this.prefixes === undefined || chunk.from >= chunk.to) return chunk;
    const parts = cutAtSnapshots(chunk, this.prefixes.blockSize, this.reading.get(chunk.sequence)!.shared);
    for (const part of parts.slice(0, -1)) this.readPart(part, pending);
    return parts.at(-1)!;
  }

  /** A part of a prompt after which nothing is drawn. Stored prefixes may have brought the row beyond it. */
  private readPart(chunk: Chunk, pending: Pending): void {
    const { sequence, from, to } = chunk;
    const { kv } = this.reading.get(sequence)!;
    if (from < to) {
      const hidden = this.forward(kv, [chunk]);
      pending.prompts.push(...this.measure(chunk, hidden));
    }
    pending.fences.push(kv.fence());
    const isEnd = to === sequence.source.length;
    if (from < to) this.prefixes?.publish(kv, 0, this.stored(sequence, sequence.source.subarray(0, to)), isEnd);
    if (!isEnd) return;
    pending.ended.push(sequence);
    this.count(sequence);
    this.forget(sequence);
  }

  private count({ answer, cached, measuresPrompt }: Sequence): void {
    if (answer.length === 0 && !measuresPrompt) this.prefixes?.count(cached); // not again after a preemption
  }

  /**
   * The last parts of prompts that start at the same position, in one pass. Shorter ones are padded: causal attention
   * keeps what lies behind an id from reaching it, and what the padding leaves in the kv is forgotten.
   */
  private readEnds(chunks: readonly Chunk[], pending: Pending): ReadRows {
    const rows = chunks.map(chunk => this.reading.get(chunk.sequence)!);
    const kv = new KvRows(this.model.layout);
    try {
      for (const row of rows) kv.join(row.kv);
      const hidden = this.forward(kv, chunks);
      kv.trim(chunks.map(chunk => chunk.to));
      if (chunks.length === 1) pending.prompts.push(...this.measure(chunks[0]!, hidden));
      const logits = this.model.logits(
        lastPositions(
          hidden,
          chunks.map(({ from, to }) => to - from),
        ),
      );
      rows.forEach(({ sequence }, i) => {
        this.reading.delete(sequence);
        this.count(sequence);
        this.prefixes?.publish(kv, i, this.stored(sequence, sequence.source), true);
      });
      return { rows, kv, logits: mx.reshape(logits, [rows.length, this.model.vocabSize]) };
    } catch (error) {
      kv.release();
      throw error;
    }
  }

  /** [B, L, hidden] behind what the rows hold; L is the longest chunk's length. */
  private forward(kv: KvRows, chunks: readonly Chunk[]): Tensor {
    const length = Math.max(...chunks.map(({ from, to }) => to - from));
    const ids = new Uint32Array(chunks.length * length);
    chunks.forEach(({ sequence, from, to }, row) => ids.set(sequence.source.subarray(from, to), row * length));
    const batch = { ...kv.begin(length), adapters: adapterRows(chunks.map(chunk => chunk.sequence)) };
    const tokens = mx.fromArray(ids, [chunks.length, length]);
    return this.model.forward(this.model.embed(tokens), batch, kv.layers, tokens);
  }

  private stored(sequence: Sequence, ids: Uint32Array): Uint32Array {
    return storedIds(sequence, ids, this.model.vocabSize);
  }

  /** Log-probabilities, where they are asked for, of the prompt ids from + 1 … to that follow the positions of a chunk. */
  private measure({ sequence, from, to }: Chunk, hidden: Tensor): PendingPrompt[] {
    const { prompt, promptLogprobs } = sequence.request;
    const made: PendingPrompt[] = [];
    const end = !sequence.measuresPrompt ? from : Math.min(to, prompt.length - 1);
    for (let at = from; at < end; at += LOGIT_POSITIONS) {
      const stop = Math.min(at + LOGIT_POSITIONS, end);
      const part = mx.sliceAxis(hidden, 1, at - from, stop - from);
      const logits = mx.reshape(this.model.logits(part), [stop - at, this.model.vocabSize]);
      const ids = prompt.slice(at + 1, stop + 1);
      made.push({ sequence, ids, logprobs: gatherLogprobs(logits, mx.fromArray(ids, [ids.length]), promptLogprobs!) });
    }
    return made;
  }
}

/** hidden [B, L, width] at the last of each row's positions, [B, 1, width]. */
function lastPositions(hidden: Tensor, lengths: readonly number[]): Tensor {
  const [rows, length, width] = mx.shape(hidden) as [number, number, number];
  if (lengths.every(n => n === length)) return mx.sliceAxis(hidden, 1, length - 1, length);
  const places = Int32Array.from(lengths, (n, row) => row * length + n - 1);
  return mx.expandDims(mx.take(mx.reshape(hidden, [rows * length, width]), mx.fromArray(places, [rows]), 0), 1);
}

/** Chunks that are read in one pass: of the same start and nearly the same length, none measured, and none so long that its kv is moved nowhere. */
function groups(chunks: readonly Chunk[], padding: (longest: number) => number, longest: number): Chunk[][] {
  const sorted = chunks.toSorted((a, b) => a.from - b.from || b.to - a.to);
  const made: Chunk[][] = [];
  for (const chunk of sorted) {
    const first = made.at(-1)?.[0];
    if (first !== undefined && first.to <= longest && fit(first, chunk, padding)) made.at(-1)!.push(chunk);
    else made.push([chunk]);
  }
  return made;
}

function fit(longest: Chunk, chunk: Chunk, padding: (longest: number) => number): boolean {
  const measured = [longest, chunk].some(({ sequence }) => sequence.measuresPrompt);
  return !measured && longest.from === chunk.from && longest.to - chunk.to <= padding(longest.to - longest.from);
}
