// What a layer of either kind holds for the rows of a group, seen from the group.
import type { Tensor } from "../mx/index.ts";
import type { LayerKv } from "../models/model.ts";

export interface HeldLayer extends LayerKv {
  /** What a row holds of its positions [from, to), [1, …] each: keys and values, or the states after `to`. Views of what is held. */
  part(row: number, from: number, to: number): Tensor[];
  /** Copies of a row's first `length` positions: independent of what is held once evaluated. */
  copyRow(row: number, length: number): Tensor[];
  /** Gives `slot` the positions [from, length) that such tensors hold; states sum up all positions and take the place of those before. */
  putRow(slot: number, parts: readonly Tensor[], length: number, from?: number): void;
  /** Forgets the last row. */
  dropRow(last: number): void;
  /** Takes over what another layer holds, which is empty afterwards. */
  adopt(other: HeldLayer): void;
  /** Gives back what it has more than `slack` times the room for `rows` rows of `length` positions. */
  fit(rows: number, length: number, slack: number): void;
  /** The buffers, for evaluation; none before the first write. */
  tensors(): Tensor[];
  readonly bytes: number;
  release(): void;
}
