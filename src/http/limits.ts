// Reads a JSON body within bounds: size, time, encoding, nesting, number of values. Anything else is a 4xx before it costs memory.
import { ApiError } from "../chat/error.ts";
import { HttpError } from "./errors.ts";

export interface Limits {
  readonly maxBodyBytes: number;
  readonly bodySeconds: number; // for the whole body to arrive
}

export const defaultLimits: Limits = { maxBodyBytes: 32 * 1024 * 1024, bodySeconds: 60 };
/** Of an uploaded file, with the form around it. */
export const fileLimits: Limits = { maxBodyBytes: 100 * 1024 * 1024, bodySeconds: 600 };
const maxDepth = 100;
const maxValues = 1_000_000;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

export async function readJson(request: Request, limits: Limits): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json" && !type?.endsWith("+json"))
    throw new ApiError(400, `The body must be sent with "content-type: application/json"${type ? `, not "${type.slice(0, 100)}"` : ""}.`, {
      code: "invalid_content_type",
    });
  return parseJson(await readBody(request, limits));
}

/**
 * Ollama's clients and examples send a body without its type, or with a form's. A page can send these to anybody unasked, so what comes from a
 * browser must say that it is JSON here too.
 */
export async function readUntypedJson(request: Request, limits: Limits): Promise<unknown> {
  if (request.headers.has("origin") || request.headers.has("sec-fetch-site")) return readJson(request, limits);
  return parseJson(await readBody(request, limits));
}

/** Throws 413 for a length that the client declared, before anything is read. */
export function checkDeclaredLength(request: Request, { maxBodyBytes }: Limits): number | undefined {
  const header = request.headers.get("content-length");
  const length = header === null ? undefined : Number(header);
  if (length !== undefined && length > maxBodyBytes) throw tooLarge(maxBodyBytes);
  return length;
}

/** Throws ApiError 413 for more than the limits allow, 408 for what does not arrive. */
export async function readBody(request: Request, limits: Limits): Promise<Uint8Array> {
  const declared = checkDeclaredLength(request, limits);
  if (!request.body) return new Uint8Array();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new HttpError(408, `The body did not arrive within ${limits.bodySeconds} seconds.`, "body_timeout", { connection: "close" })),
    limits.bodySeconds * 1000,
  );
  try {
    return await Promise.race([declared === undefined ? readChunks(request.body, limits) : request.bytes(), late]);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "The body ended before it was complete.", { code: "invalid_body" }); // the client left or broke the framing
  } finally {
    clearTimeout(timer);
  }
}

async function readChunks(body: ReadableStream<Uint8Array>, { maxBodyBytes }: Limits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBodyBytes) throw tooLarge(maxBodyBytes); // leaving the loop cancels the rest
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function tooLarge(bytes: number): ApiError {
  return new ApiError(413, `The body is larger than ${bytes / 1024 / 1024} MB.`, { code: "body_too_large" });
}

/** Throws ApiError for what is no JSON within the bounds. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new ApiError(400, "The body is empty; it must be a JSON object.", { code: "empty_body" });
  checkShape(bytes);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError(400, "The body is not valid UTF-8.", { code: "invalid_utf8" });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const where = (error as Error).message.replace(/^JSON Parse error: /, "");
    throw new ApiError(400, `The body is not valid JSON: ${where}.`, { code: "invalid_json" });
  }
}

/** Bounds nesting and the number of values before parsing: both cost far more memory than their text. */
function checkShape(bytes: Uint8Array): void {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === quote) i = stringEnd(bytes, i);
    else if (byte === openBracket || byte === openBrace) {
      values++;
      if (++depth > maxDepth) throw new ApiError(400, `The body is nested deeper than ${maxDepth} levels.`, { code: "too_deep" });
    } else if (byte === closeBracket || byte === closeBrace) depth--;
    else if (byte === comma) values++;
  }
  if (values > maxValues) throw new ApiError(400, `The body has more than ${maxValues} values.`, { code: "too_many_values" });
}

/** The place of the quote that closes the string opened at `start`, or the end of the bytes. */
function stringEnd(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; ; at++) {
    at = bytes.indexOf(quote, at);
    if (at < 0) return bytes.length;
    let before = at - 1;
    while (bytes[before] === backslash) before--;
    if ((at - before) % 2 === 1) return at; // an even number of backslashes escapes none
  }
}
