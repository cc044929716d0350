// The budget of one row's thinking. It is kept on the device, where the ids are: a row that has thought as long as it may writes the ending
// instead of what was drawn, without anybody waiting for the ids before.
//
// The rule, for each id: inside thinking, the closing id ends it, every other one counts; once the budget is used up, the ids of the ending
// come one after the other, and the last of them ends it. Outside, the opening ids in a row begin it again, with what is left of the budget.
import type { ThinkingBudget } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";

/** Whether the row thinks, how many ids it has thought (ids of the ending count on from the budget), how many opening ids it has written. */
type State = readonly [open: number, used: number, matched: number];

export class ThinkingRow {
  private state: Tensor; // [3] int32, kept
  private readonly openIds: Tensor; // kept
  private readonly ending: Tensor; // kept

  /** `answer`: what was drawn before the row was made again. */
  constructor(
    private readonly limit: ThinkingBudget,
    answer: readonly number[],
  ) {
    const start: State = [limit.startsOpen ? 1 : 0, 0, 0];
    const state = answer.reduce((before, id) => next(before, id, limit), start);
    const kept = (values: readonly number[]) => mx.scope(() => mx.keep(mx.fromArray(Int32Array.from(values), [values.length])));
    this.state = kept(state);
    this.openIds = kept(limit.openIds);
    this.ending = kept(limit.ending);
  }

  /** The id that the row writes, [1] uint32, in the place of the one drawn. */
  force(drawn: Tensor): Tensor {
    const [open, used] = this.parts();
    const { budget, ending } = this.limit;
    const place = mx.clip(mx.subtract(used, int(budget)), int(0), int(ending.length - 1));
    const forced = mx.astype(mx.take(this.ending, place, 0), "uint32");
    return mx.where(this.isForcing(open, used), forced, drawn);
  }

  /** Takes note of the id that the row wrote, [1] uint32. */
  record(written: Tensor): void {
    const [open, used, matched] = this.parts();
    const { budget, closeId, openIds, ending } = this.limit;
    const id = mx.astype(written, "int32");
    const thinks = mx.greater(open, int(0));
    const forcing = this.isForcing(open, used);
    const closes = mx.logicalAnd(thinks, mx.logicalAnd(mx.equal(id, int(closeId)), mx.logicalNot(forcing)));
    const counted = mx.add(used, mx.astype(mx.logicalAnd(thinks, mx.logicalNot(closes)), "int32"));
    const over = mx.logicalAnd(forcing, mx.equal(counted, int(budget + ending.length)));
    const going = mx.where(
      mx.equal(id, mx.take(this.openIds, matched, 0)),
      mx.add(matched, int(1)),
      mx.astype(mx.equal(id, int(openIds[0]!)), "int32"),
    );
    const opens = mx.logicalAnd(mx.logicalNot(thinks), mx.equal(going, int(openIds.length)));
    const stays = mx.logicalAnd(thinks, mx.logicalNot(mx.logicalOr(closes, over)));
    const after = [
      mx.astype(mx.logicalOr(stays, opens), "int32"),
      mx.where(over, int(budget), counted),
      mx.where(mx.logicalOr(thinks, opens), int(0), going),
    ];
    const old = this.state;
    this.state = mx.keep(mx.concatenate(after, 0));
    mx.release(old);
  }

  release(): void {
    for (const t of [this.state, this.openIds, this.ending]) mx.release(t);
  }

  private parts(): [Tensor, Tensor, Tensor] {
    const part = (at: number) => mx.sliceAxis(this.state, 0, at, at + 1);
    return [part(0), part(1), part(2)];
  }

  private isForcing(open: Tensor, used: Tensor): Tensor {
    return mx.logicalAnd(mx.greater(open, int(0)), mx.greaterEqual(used, int(this.limit.budget)));
  }
}

function int(value: number): Tensor {
  return mx.scalar(value, "int32");
}

/** The same rule in numbers, for ids that are known. */
export function next([open, used, matched]: State, id: number, { budget, closeId, openIds, ending }: ThinkingBudget): State {
  if (open === 0) {
    const going = id === openIds[matched] ? matched + 1 : id === openIds[0] ? 1 : 0;
    return going === openIds.length ? [1, used, 0] : [0, used, going];
  }
  if (used < budget) return id === closeId ? [0, used, 0] : [1, used + 1, 0];
  return used + 1 === budget + ending.length ? [0, budget, 0] : [1, used + 1, 0];
}
