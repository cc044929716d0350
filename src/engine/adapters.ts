// What adapters mean to rows: which one each of a step goes through, and that stored prefixes of one are none of another's.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { PrefixDiagnosis } from "./protocol.ts";

/** The adapter of each row of a step, [B] int32; undefined where no row has one. */
export function adapterRows(sequences: readonly Sequence[]): Tensor | undefined {
  if (sequences.every(({ adapter }) => adapter === 0)) return undefined;
  return mx.fromArray(
    Int32Array.from(sequences, ({ adapter }) => adapter),
    [sequences.length],
  );
}

/** Ids as prefixes are stored under: every adapter has a vocabulary of its own. */
export function storedIds({ adapter }: Sequence, ids: Uint32Array, vocabSize: number): Uint32Array {
  return adapter === 0 ? ids : ids.map(id => id + adapter * vocabSize);
}

/** A diagnosis over such ids, in the model's own; where another adapter's prefix is nearest, there is nothing stored. */
export function withModelIds({ adapter }: Sequence, { sharedTokens, storedId }: PrefixDiagnosis, vocabSize: number): PrefixDiagnosis {
  const isOwn = storedId !== undefined && Math.floor(storedId / vocabSize) === adapter;
  return { sharedTokens, ...(isOwn && { storedId: storedId - adapter * vocabSize }) };
}
