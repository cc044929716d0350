// The states of one recurrent layer for all rows of a group: one tensor per state, [rows, …shape], kept handles.
// A state sums up its row's tokens so far and has no positions: it can be copied as it is, and not be cut back.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Advance, LayerLayout, RecurrentLayout } from "../models/model.ts";
import type { HeldLayer } from "./held.ts";
import type { Step } from "./step.ts";

export function isRecurrent(layout: LayerLayout): layout is RecurrentLayout {
  return "states" in layout;
}

/** Whether rows can go on only where all their tokens were summed up. */
export function carriesStates(layout: readonly LayerLayout[]): boolean {
  return layout.some(one => isRecurrent(one) && one.states.length > 0);
}

export class RecurrentRows implements HeldLayer {
  private states: Tensor[] = [];

  constructor(
    private readonly layout: RecurrentLayout,
    private readonly step: () => Step,
  ) {}

  carry(input: Tensor, advance: Advance): Tensor {
    const { rows } = this.step();
    const held = this.rows;
    const before =
      held === rows
        ? this.states
        : joined(
            this.states,
            this.empty(rows - held, () => mx.dtype(input)),
          );
    const { output, states } = advance(before);
    this.hold(states);
    return output;
  }

  attend(): never {
    throw new TypeError("a recurrent layer has no keys and values");
  }

  look(): never {
    this.attend();
  }

  part(row: number): Tensor[] {
    return this.states.map(state => mx.sliceAxis(state, 0, row, row + 1));
  }

  copyRow(row: number): Tensor[] {
    return this.part(row).map(mx.contiguous);
  }

  /** States per row. */
  get count(): number {
    return this.layout.states.length;
  }

  putRow(slot: number, parts: readonly Tensor[]): void {
    if (parts.length === 0) return; // positions alone change no state
    const missing = slot - this.rows;
    if (missing === 0) return this.hold(joined(this.states, parts));
    if (missing > 0)
      return this.hold(
        joined(
          joined(
            this.states,
            this.empty(missing, i => mx.dtype(parts[i]!)),
          ),
          parts,
        ),
      );
    const put = (state: Tensor, part: Tensor): Tensor => {
      const [, ...sizes] = mx.shape(state);
      return mx.sliceUpdate(state, part, [slot, ...sizes.map(() => 0)], [slot + 1, ...sizes]);
    };
    this.hold(this.states.map((state, i) => put(state, parts[i]!)));
  }

  dropRow(last: number): void {
    this.hold(this.states.map(state => mx.sliceAxis(state, 0, 0, last)));
  }

  adopt(other: HeldLayer): void {
    if (!(other instanceof RecurrentRows)) throw new TypeError("a recurrent layer takes over none of another kind");
    this.release();
    [this.states, other.states] = [other.states, []];
  }

  /** States have no room to spare. */
  fit(): void {}

  tensors(): Tensor[] {
    return [...this.states];
  }

  get bytes(): number {
    return this.states.reduce((sum, state) => sum + mx.byteSize(state), 0);
  }

  release(): void {
    this.hold([]);
  }

  private get rows(): number {
    return this.states.length === 0 ? 0 : mx.shape(this.states[0]!)[0]!;
  }

  /** The states of rows without tokens. */
  private empty(rows: number, dtypeOf: (state: number) => mx.Dtype): Tensor[] {
    return this.layout.states.map(({ shape, dtype }, i) => mx.zeros([rows, ...shape], dtype ?? dtypeOf(i)));
  }

  private hold(states: readonly Tensor[]): void {
    const old = this.states;
    this.states = states.map(state => mx.keep(mx.reshape(state, mx.shape(state)))); // a handle of its own
    for (const state of old) mx.release(state);
  }
}

function joined(states: readonly Tensor[], more: readonly Tensor[]): Tensor[] {
  return more.map((part, i) => (states.length === 0 ? part : mx.concatenate([states[i]!, part], 0)));
}
