// Prompts that begin alike are read one after the other, so that what they have in common is read once.
import { common } from "../util/common.ts";
import type { Chunk } from "../scheduler/scheduler.ts";

/**
 * The chunks that are read now. The others had better wait until the blocks of one of these are stored: at least half of such a
 * chunk, and `least` ids, are then found there. The first chunk never waits.
 */
export function firstOfWave(chunks: readonly Chunk[], blockSize: number, least: number): Chunk[] {
  const now: Chunk[] = [];
  for (const chunk of chunks) if (!now.some(leader => spares(leader, chunk, blockSize, least))) now.push(chunk);
  return now;
}

function spares(leader: Chunk, { sequence, from, to }: Chunk, blockSize: number, least: number): boolean {
  if (sequence.measuresPrompt || sequence.adapter !== leader.sequence.adapter) return false;
  const { source } = leader.sequence;
  const [published, most] = [leader.to === source.length ? leader.to : leader.to - (leader.to % blockSize), sequence.source.length - 1];
  const enough = Math.max(least, (to - from) / 2);
  if (Math.min(published, most) - from < enough) return false; // before ids are compared
  const found = Math.min(published, most, common(source, sequence.source));
  return found > from && found - from >= enough;
}
