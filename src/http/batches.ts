// The batches of this server: opened when they are first needed, or at the start when some were left.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BatchRunner, type Answered } from "../batches/runner.ts";
import { BatchStore, StoreError, storeName } from "../batches/store.ts";
import { ApiError } from "../chat/error.ts";
import { parseJson } from "./limits.ts";
import { noteBackground } from "./origin.ts";

const maxBytes = 10 * 1024 ** 3; // of all files and answers

interface BatchesOptions {
  readonly folder: string | undefined; // undefined: nothing may be stored
  readonly handle: (request: Request) => Promise<Response>;
  readonly apiKey: string | undefined;
  readonly log: (line: string) => void;
}

export class Batches {
  private opened: { readonly store: BatchStore; readonly runner: BatchRunner } | undefined;

  constructor(private readonly options: BatchesOptions) {}

  /** Goes on with what an earlier process left; a folder that another server uses is only told. */
  resume(): void {
    const { folder, log } = this.options;
    if (folder === undefined || !existsSync(join(folder, storeName))) return;
    try {
      this.open().runner.wake();
    } catch (error) {
      log(`warning: ${(error as Error).message}`);
    }
  }

  /** Throws ApiError when nothing can be stored. */
  open() {
    if (this.opened) return this.opened;
    const { folder, log } = this.options;
    if (folder === undefined) throw new ApiError(400, "This server keeps no files: it has no --data-dir.", { code: "no_data_folder" });
    const store = openStore(folder);
    const send = (endpoint: string, body: string, signal: AbortSignal) => this.send(endpoint, body, signal);
    this.opened = { store, runner: new BatchRunner({ store, send, parse: parseJson, log }) };
    return this.opened;
  }

  private async send(endpoint: string, body: string, signal: AbortSignal): Promise<Answered> {
    const { apiKey, handle } = this.options;
    const headers = { "content-type": "application/json", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) };
    const request = new Request(`http://localhost${endpoint}`, { method: "POST", headers, body, signal });
    noteBackground(request);
    const response = await handle(request);
    return {
      status: response.status,
      requestId: response.headers.get("x-request-id") ?? "",
      body: await response.json(),
      retrySeconds: Number(response.headers.get("retry-after") ?? 1),
    };
  }
}

function openStore(folder: string): BatchStore {
  try {
    return BatchStore.open(folder, maxBytes);
  } catch (error) {
    throw toApiError(error);
  }
}

/** What a client is told when nothing can be stored. */
export function toApiError(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  const { code, message } = error;
  return code === "full" ? new ApiError(413, message, { code: "storage_full" }) : new ApiError(409, message, { code: `data_folder_${code}` });
}
