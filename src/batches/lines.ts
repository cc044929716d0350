// A batch's input: JSON Lines, each a request with an id of the client's own. All lines are looked at before the first runs.
import type { Line, LineError } from "./types.ts";
import { isObject } from "../util/json.ts";

const maxLines = 50_000;
const maxErrors = 100; // told of one file
const TURN_MS = 8; // of reading between two looks at other requests
const newline = 0x0a;

export interface Input {
  readonly lines: readonly Line[];
  readonly errors: readonly LineError[]; // when there are some, nothing runs
}

export async function readLines(bytes: Uint8Array, endpoint: string, parse: (line: Uint8Array) => unknown): Promise<Input> {
  const lines: Line[] = [];
  const errors: LineError[] = [];
  const seen = new Set<string>();
  let turn = performance.now();
  let n = 0;
  for (let at = 0; at < bytes.length && errors.length < maxErrors;) {
    const found = bytes.indexOf(newline, at);
    const end = found < 0 ? bytes.length : found;
    const text = bytes.subarray(at, end);
    at = end + 1;
    n += 1;
    if (text.every(byte => byte === 0x20 || byte === 0x0d || byte === 0x09)) continue;
    if (lines.length === maxLines) {
      errors.push({ code: "too_many_tasks", message: `The file has more than ${maxLines} requests.`, param: null, line: n });
      break;
    }
    const read = readLine(text, endpoint, seen, parse);
    if ("code" in read) errors.push({ ...read, line: n });
    else lines.push({ ...read, n });
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise<void>(resolve => setImmediate(resolve));
    turn = performance.now();
  }
  if (lines.length === 0 && errors.length === 0) errors.push({ code: "empty_file", message: "The file has no requests.", param: null, line: null });
  return { lines, errors };
}

type Problem = Omit<LineError, "line">;

function readLine(text: Uint8Array, endpoint: string, seen: Set<string>, parse: (line: Uint8Array) => unknown): Omit<Line, "n"> | Problem {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return { code: "invalid_json_line", message: `This line cannot be read as JSON: ${(error as Error).message}`, param: null };
  }
  if (!isObject(value)) return { code: "invalid_json_line", message: "This line is no JSON object.", param: null };
  const { custom_id: customId, method, url, body } = value;
  if (typeof customId !== "string" || customId === "" || customId.length > 512)
    return { code: "invalid_custom_id", message: "'custom_id' must be a text of 1 to 512 characters.", param: "custom_id" };
  if (seen.has(customId))
    return { code: "duplicate_custom_id", message: `The custom_id ${JSON.stringify(customId)} is there twice.`, param: "custom_id" };
  seen.add(customId);
  if (method !== "POST") return { code: "invalid_method", message: "'method' must be \"POST\".", param: "method" };
  if (url !== endpoint) return { code: "invalid_url", message: `'url' must be the batch's endpoint, ${endpoint}.`, param: "url" };
  if (!isObject(body)) return { code: "invalid_body", message: "'body' must be an object.", param: "body" };
  for (const name of ["stream", "background"])
    if (body[name] === true) return { code: "invalid_body", message: `'body.${name}' must not be true in a batch.`, param: `body.${name}` };
  return { customId, body: JSON.stringify(withinBatch(body, endpoint)) };
}

/** A request that waits behind all others has no deadline of its own, and tens of thousands are not worth remembering for later ones. */
function withinBatch(body: Readonly<Record<string, unknown>>, endpoint: string): object {
  return { timeout: 86_400, ...(endpoint === "/v1/responses" && { store: false }), ...body };
}
