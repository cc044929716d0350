// One id per row from the logits of a step, all on the device: nothing here waits for an evaluation.
// Rows are independent: a row's id depends on its own logits, options and random numbers only.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Sampling } from "../engine/protocol.ts";
import type { SamplerRow } from "./row.ts";
import { limitThinking } from "./thinking.ts";
import { uniform } from "./uniform.ts";

export interface Sampled {
  readonly ids: Tensor; // [B] uint32
  readonly adjusted: Tensor; // [B, V] float32: what the ids were drawn from, before temperature and truncation
}

/** Draws the next id of every row. logits [B, V] float32. */
export function sample(logits: Tensor, rows: readonly SamplerRow[]): Sampled {
  const adjusted = adjust(logits, rows);
  const ids = limitThinking(
    choose(adjusted, rows),
    rows.map(row => row.thinking),
  );
  rows.forEach((row, i) => row.record(() => mx.sliceAxis(ids, 0, i, i + 1)));
  return { ids, adjusted };
}

function adjust(logits: Tensor, rows: readonly SamplerRow[]): Tensor {
  if (!rows.some(row => row.adjusts)) return logits;
  const parts = rows.map((row, i) => {
    const own = mx.sliceAxis(logits, 0, i, i + 1);
    return row.adjusts ? row.adjust(own) : own;
  });
  return parts.length === 1 ? parts[0]! : mx.concatenate(parts, 0);
}

type Kind = "greedy" | "plain" | "truncated";

function kindOf(row: SamplerRow): Kind {
  const { topP, topK, minP } = row.options.sampling;
  if (row.greedy) return "greedy";
  return topP < 1 || topK > 0 || minP > 0 ? "truncated" : "plain";
}

/**
 * Rows that are chosen the same way go together; which ones those are never changes a row's own arithmetic. On CUDA a kernel of ours draws for
 * all of them. It sums distributions in an order of ids of its own, so that a seed draws other ids there than elsewhere.
 */
function choose(logits: Tensor, rows: readonly SamplerRow[]): Tensor {
  const kinds = rows.map(kindOf);
  if (mx.ownKernels() && kinds.some(kind => kind !== "greedy")) return mx.drawIds(logits, drawOptions(rows));
  const groups = (["greedy", "plain", "truncated"] as const)
    .map(kind => ({ kind, members: kinds.flatMap((k, i) => (k === kind ? [i] : [])) }))
    .filter(group => group.members.length > 0);
  if (groups.length === 1) return chooseGroup(groups[0]!.kind, logits, rows);
  const order = groups.flatMap(group => group.members);
  const parts = groups.map(({ kind, members }) =>
    chooseGroup(
      kind,
      mx.take(logits, indices(members), 0),
      members.map(i => rows[i]!),
    ),
  );
  const place = order.map((_, i) => order.indexOf(i)); // row i stands at place[i] of the concatenation
  return mx.take(mx.concatenate(parts, 0), indices(place), 0);
}

function nextUniform(row: SamplerRow): number {
  return uniform(row.options.sampling.seed, row.drawn);
}

function drawOptions(rows: readonly SamplerRow[]): Tensor {
  const options = rows.flatMap(row => {
    const { temperature, topP, topK, minP } = row.options.sampling;
    return [temperature, topP, topK, minP, nextUniform(row)];
  });
  return mx.fromArray(Float32Array.from(options), [rows.length, 5]);
}

function chooseGroup(kind: Kind, logits: Tensor, rows: readonly SamplerRow[]): Tensor {
  if (kind === "greedy") return mx.argmax(logits, -1);
  const scaled = mx.divide(
    logits,
    column(rows, s => s.temperature),
  );
  const draw = mx.fromArray(Float32Array.from(rows, nextUniform), [rows.length, 1]);
  return kind === "plain" ? invert(mx.softmax(scaled, -1), draw) : chooseTruncated(scaled, draw, rows);
}

/**
 * Top-k, nucleus (Holtzman et al. 2020) and min-p (Nguyen et al. 2024) truncation: each looks at the distribution
 * after temperature, and an id must pass all of them. The likeliest id always passes.
 */
function chooseTruncated(scaled: Tensor, draw: Tensor, rows: readonly SamplerRow[]): Tensor {
  const order = mx.argsort(mx.negative(scaled), -1); // [B, V], likeliest first
  const probs = mx.softmax(mx.takeAlongAxis(scaled, order, -1), -1);
  const vocabSize = mx.shape(scaled)[1]!;
  const rank = mx.arange(0, vocabSize, 1, "float32");
  const uses = (option: (sampling: Sampling) => boolean) => rows.some(row => option(row.options.sampling));
  const limits: Tensor[] = []; // each passes everything in a row that does not use it
  if (uses(s => s.topP < 1)) {
    const before = mx.subtract(mx.cumsum(probs, -1), probs);
    limits.push(
      mx.less(
        before,
        column(rows, s => (s.topP < 1 ? s.topP : 2)), // rounding may carry the sum past 1
      ),
    );
  }
  if (uses(s => s.topK > 0)) {
    limits.push(
      mx.less(
        rank,
        column(rows, s => (s.topK > 0 ? s.topK : vocabSize)),
      ),
    );
  }
  if (uses(s => s.minP > 0)) {
    const least = mx.multiply(
      mx.sliceAxis(probs, -1, 0, 1),
      column(rows, s => s.minP),
    );
    limits.push(mx.greaterEqual(probs, least));
  }
  const passes = mx.logicalOr(limits.reduce(mx.logicalAnd), mx.equal(rank, mx.scalar(0)));
  const place = invert(mx.where(passes, probs, mx.scalar(0)), draw);
  return mx.astype(mx.squeeze(mx.takeAlongAxis(order, mx.expandDims(place, 1), -1), [1]), "uint32");
}

/**
 * Inverse of the cumulative distribution: for weights [B, V] and draws [B, 1] in [0, 1) the first index whose
 * cumulative sum exceeds draw × total. An index of weight 0 is never chosen. [B] uint32.
 */
function invert(weights: Tensor, draw: Tensor): Tensor {
  const cumulative = mx.cumsum(weights, -1);
  const vocabSize = mx.shape(weights)[1]!;
  const total = mx.sliceAxis(cumulative, -1, vocabSize - 1, vocabSize);
  const below = mx.lessEqual(cumulative, mx.multiply(total, draw));
  return mx.astype(mx.sum(mx.astype(below, "int32"), -1), "uint32");
}

function column(rows: readonly SamplerRow[], value: (sampling: Sampling) => number): Tensor {
  return mx.fromArray(
    Float32Array.from(rows, row => value(row.options.sampling)),
    [rows.length, 1],
  );
}

function indices(values: readonly number[]): Tensor {
  return mx.fromArray(Int32Array.from(values), [values.length]);
}
