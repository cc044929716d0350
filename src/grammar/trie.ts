// The vocabulary as a tree of bytes, so that tokens with a common beginning are judged together.
import type { Vocabulary } from "../engine/protocol.ts";

export interface Spelled {
  readonly vocabSize: number;
  has(id: number): boolean;
  piece(id: number): { readonly bytes: Uint8Array };
  isAdded(id: number): boolean;
}

/** Added tokens and tokens that spell nothing are no part of the tree. */
export function readVocabulary(source: Spelled): Vocabulary {
  const added: number[] = [];
  const entries: { readonly id: number; readonly bytes: Uint8Array }[] = [];
  for (let id = 0; id < source.vocabSize; id++) {
    if (!source.has(id)) continue;
    if (source.isAdded(id)) added.push(id);
    else if (source.piece(id).bytes.length > 0) entries.push({ id, bytes: source.piece(id).bytes });
  }
  entries.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const nodes = { symbols: [] as number[], depths: [] as number[], ids: [] as number[] };
  const twins: number[] = [];
  let before = new Uint8Array();
  for (const { id, bytes } of entries) {
    let shared = 0;
    while (shared < before.length && shared < bytes.length && before[shared] === bytes[shared]) shared++;
    if (shared === bytes.length && before.length === bytes.length) {
      twins.push(nodes.ids.at(-1)!, id);
      continue;
    }
    for (let at = shared; at < bytes.length; at++) {
      nodes.symbols.push(bytes[at]!);
      nodes.depths.push(at + 1);
      nodes.ids.push(at === bytes.length - 1 ? id : -1);
    }
    before = bytes as Uint8Array<ArrayBuffer>;
  }
  return {
    type: "vocabulary",
    symbols: Uint8Array.from(nodes.symbols),
    depths: Uint16Array.from(nodes.depths),
    ids: Int32Array.from(nodes.ids),
    ends: ends(nodes.depths),
    twins: Int32Array.from(twins),
    added: Uint32Array.from(added),
  };
}

/** For each node the first later one that is not deeper. */
function ends(depths: readonly number[]): Int32Array {
  const made = new Int32Array(depths.length);
  const open: number[] = [];
  for (let node = 0; node <= depths.length; node++) {
    const depth = depths[node] ?? 0;
    while (open.length > 0 && depths[open.at(-1)!]! >= depth) made[open.pop()!] = node;
    open.push(node);
  }
  return made;
}
