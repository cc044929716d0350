// Safetensors files, byte by byte.

/** A safetensors file: the header's length as it is, or as claimed. */
export function safetensors(header: unknown, dataBytes: number, claimedLength?: bigint): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimedLength ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}
