// Ids of calls as a model's template takes them: most take any text, Mistral's nine letters and digits, Kimi's functions.name:number.
import type { CallIds } from "./types.ts";

const fitting: Readonly<Record<CallIds, RegExp>> = { call: /./, mistral: /^[a-zA-Z0-9]{9}$/, kimi: /^functions\.[\w.:/-]+:\d+$/ };
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

export function fitsCallId(ids: CallIds, id: string): boolean {
  return fitting[ids].test(id);
}

export interface CallPlace {
  readonly name: string;
  readonly index: number; // among all calls of the conversation
  readonly seed: string; // the same seed gives the same id, where it has no other meaning
}

export function makeCallId(ids: CallIds, { name, index, seed }: CallPlace): string {
  if (ids === "kimi") return `functions.${name}:${index}`;
  const hash = new Bun.CryptoHasher("sha256").update(seed);
  if (ids === "call") return `call_${hash.digest("hex").slice(0, 24)}`;
  return Array.from(hash.digest().subarray(0, 9), byte => letters[byte % letters.length]).join("");
}
