// The optional API key: `Authorization: Bearer <key>` first, then `x-api-key: <key>`.
import { timingSafeEqual } from "node:crypto";
import { HttpError } from "./errors.ts";

/** A check that throws 401 unless the headers carry the key; without a configured key everything passes. */
export function makeAuth(apiKey: string | undefined): (headers: Headers) => void {
  if (!apiKey) return () => {};
  const expected = digest(apiKey);
  return headers => {
    const given = bearer(headers) ?? (headers.get("x-api-key")?.trim() || undefined);
    const challenge = { "www-authenticate": "Bearer" };
    if (given === undefined)
      throw new HttpError(401, 'API key required: send "Authorization: Bearer <key>" or "x-api-key: <key>".', "missing_api_key", challenge);
    if (!timingSafeEqual(digest(given), expected)) throw new HttpError(401, "Invalid API key.", "invalid_api_key", challenge);
  };
}

function bearer(headers: Headers): string | undefined {
  const [, key] = /^bearer\s+(.*)$/i.exec(headers.get("authorization")?.trim() ?? "") ?? [];
  return key?.trim() || undefined;
}

/** Digests have one length, so comparing them tells nothing of the key's. */
function digest(key: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(key).digest();
}
