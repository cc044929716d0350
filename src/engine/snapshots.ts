// Where reading a prompt pauses, so that the states of recurrent layers can be stored there: rows with states go on only from
// such places, and not from the middle of what was summed up.
import type { Chunk } from "../scheduler/scheduler.ts";

/** A long prompt has a snapshot at least that often; of the blocks between them only those that other prompts left get one. */
const TOKENS_BETWEEN = 512;

/**
 * The parts that a chunk is read in. Each but the last ends with a block: the last block that the chunk fills, and before the
 * prompt's end the last one that leaves an id to read; where earlier prompts went another way, `shared` ids in; and now and then.
 */
export function cutAtSnapshots({ sequence, from, to }: Chunk, blockSize: number, shared: number): Chunk[] {
  const blockEnd = (ids: number): number => ids - (ids % blockSize);
  const cuts = new Set([blockEnd(to === sequence.source.length ? to - 1 : to), blockEnd(shared)]);
  const every = Math.max(blockSize, blockEnd(TOKENS_BETWEEN));
  for (let at = from - (from % every) + every; at < to; at += every) cuts.add(at);
  const ends = [...cuts].filter(at => at > from && at < to).toSorted((a, b) => a - b);
  return [...ends, to].map((end, i) => ({ sequence, from: ends[i - 1] ?? from, to: end }));
}
