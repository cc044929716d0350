// Budgets of thinking. They are kept on the device, where the ids are: a row that has thought as long as it may writes the ending instead of
// what was drawn, without anybody waiting for the ids before. All rows that have a budget are looked after together.
//
// The rule, for each id: inside thinking, the closing id ends it, every other one counts; once the budget is used up, the ids of the ending
// come one after the other, and the last of them ends it. Outside, the opening ids in a row begin it again, with what is left of the budget.
import type { ThinkingBudget } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";

/**
 * used     ids thought so far, those of the ending counted on from the budget; less OUTSIDE where the row does not think
 * matched  opening ids that were written in a row
 */
type State = readonly [used: number, matched: number];

const OUTSIDE = 2 ** 30;
const LONGEST = 2 ** 29; // no answer has so many ids

export class ThinkingRow {
  readonly limit: ThinkingBudget;
  private kept: Tensor; // [1, 2] int32: its State

  /** `answer`: what was written before the row was made again. */
  constructor(limit: ThinkingBudget, answer: readonly number[]) {
    this.limit = { ...limit, budget: Math.min(limit.budget, LONGEST) };
    const start: State = [limit.startsOpen ? 0 : -OUTSIDE, 0];
    const state = answer.reduce((before, id) => next(before, id, this.limit), start);
    this.kept = mx.scope(() => mx.keep(mx.fromArray(Int32Array.from(state), [1, 2])));
  }

  get state(): Tensor {
    return this.kept;
  }

  set state(state: Tensor) {
    const old = this.kept;
    this.kept = mx.keep(state);
    mx.release(old);
  }

  release(): void {
    mx.release(this.kept);
  }
}

/** What rows write, [B] uint32, where these ids were drawn; rows with a budget take note of it. */
export function limitThinking(drawn: Tensor, rows: readonly (ThinkingRow | undefined)[]): Tensor {
  const limited = rows.filter(row => row !== undefined);
  if (limited.length === 0) return drawn;
  const places = rows.flatMap((row, i) => (row ? [i] : []));
  const written = write(mx.astype(mx.take(drawn, ints(places), 0), "int32"), limited);
  const all = mx.concatenate([drawn, mx.astype(written, "uint32")], 0);
  const sources = rows.map((row, i) => (row ? rows.length + places.indexOf(i) : i));
  return mx.take(all, ints(sources), 0);
}

/** The rule, for rows that all have a budget: ids [R] int32 drawn → written. */
function write(drawn: Tensor, rows: readonly ThinkingRow[]): Tensor {
  const limits = rows.map(row => row.limit);
  const states = mx.concatenate(
    rows.map(row => row.state),
    0,
  );
  const [used, matched] = [0, 1].map(at => mx.squeeze(mx.sliceAxis(states, 1, at, at + 1), [1])) as [Tensor, Tensor];
  const budget = ints(limits.map(limit => limit.budget));
  const endLength = ints(limits.map(limit => limit.ending.length));
  const over = mx.subtract(used, budget);
  const forced = mx.greaterEqual(over, int(0));
  const at = mx.minimum(mx.maximum(over, int(0)), mx.subtract(endLength, int(1)));
  const written = mx.where(forced, pick(table(limits.map(limit => limit.ending)), at), drawn);

  const outside = mx.less(used, int(0));
  const closes = mx.logicalAnd(mx.equal(written, ints(limits.map(limit => limit.closeId))), mx.logicalNot(forced));
  const opening = table(limits.map(limit => limit.openIds));
  const first = mx.equal(written, ints(limits.map(limit => limit.openIds[0]!)));
  const going = mx.where(mx.equal(written, pick(opening, matched)), mx.add(matched, int(1)), mx.astype(first, "int32"));
  const opens = mx.equal(going, ints(limits.map(limit => limit.openIds.length)));
  const step = mx.where(outside, mx.where(opens, int(OUTSIDE), int(0)), mx.where(closes, int(-OUTSIDE), int(1)));
  const moved = mx.add(used, step);
  const after = [
    mx.where(mx.equal(moved, mx.add(budget, endLength)), mx.subtract(budget, int(OUTSIDE)), moved),
    mx.where(mx.logicalAnd(outside, mx.logicalNot(opens)), going, int(0)),
  ];
  const changed = mx.stack(after, 1);
  rows.forEach((row, i) => (row.state = mx.sliceAxis(changed, 0, i, i + 1)));
  return written;
}

/** The same rule in numbers, for ids that are known. */
function next([used, matched]: State, id: number, { budget, closeId, openIds, ending }: ThinkingBudget): State {
  if (used < 0) {
    const going = id === openIds[matched] ? matched + 1 : id === openIds[0] ? 1 : 0;
    return going === openIds.length ? [used + OUTSIDE, 0] : [used, going];
  }
  if (used < budget && id === closeId) return [used - OUTSIDE, 0];
  return [used + 1 === budget + ending.length ? budget - OUTSIDE : used + 1, 0];
}

/** [R, longest] int32 */
function table(lists: readonly (readonly number[])[]): Tensor {
  const width = Math.max(...lists.map(list => list.length));
  const values = lists.flatMap(list => [...list, ...new Array<number>(width - list.length).fill(-1)]);
  return mx.fromArray(Int32Array.from(values), [lists.length, width]);
}

/** One of each row of a table. */
function pick(values: Tensor, at: Tensor): Tensor {
  return mx.squeeze(mx.takeAlongAxis(values, mx.expandDims(at, 1), 1), [1]);
}

function int(value: number): Tensor {
  return mx.scalar(value, "int32");
}

function ints(values: readonly number[]): Tensor {
  return mx.fromArray(Int32Array.from(values), [values.length]);
}
