// The name of a block outside of memory: a digest over all ids from the first one on, and over what the numbers depend on.

/** The key of a block that follows another, or that begins a chain behind the digest of its store. */
export function blockKey(before: string, ids: Uint32Array): string {
  const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
  return new Bun.CryptoHasher("sha256").update(before).update(bytes).digest("hex");
}

/** The digest of everything that decides about stored numbers beside the ids. */
export function storeDigest(identity: unknown): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32);
}
