// Runs batches one after the other, a few lines of one at a time. What was answered is on disk before the next line begins, so that a
// server that was killed goes on with the lines that have no answer.
import { randomId } from "../util/id.ts";
import { readLines } from "./lines.ts";
import { now, StoreError, type BatchStore } from "./store.ts";
import type { Batch, Line, Status } from "./types.ts";

export interface Answered {
  readonly status: number;
  readonly requestId: string;
  readonly body: unknown;
  readonly retrySeconds: number; // where the status says that the server had no room
}

export interface RunnerOptions {
  readonly store: BatchStore;
  /** Answers one request behind all others. */
  readonly send: (endpoint: string, body: string, signal: AbortSignal) => Promise<Answered>;
  readonly parse: (line: Uint8Array) => unknown; // JSON within bounds
  readonly log: (line: string) => void;
}

const lanes = 16; // lines at a time
const mostLosses = 3; // engines that may die under one line

export class BatchRunner {
  private working: Promise<void> | undefined;
  private current: { readonly id: string; readonly abort: AbortController } | undefined;

  constructor(private readonly options: RunnerOptions) {}

  /** Goes on with what is there to do. */
  wake(): void {
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  /** The lines that run are given up; those that are answered become files. */
  cancel(batch: Batch): Batch {
    const { store } = this.options;
    const cancelling = store.update(reach(batch, "cancelling"));
    if (this.current?.id === batch.id) this.current.abort.abort();
    this.wake();
    return cancelling;
  }

  private async work(): Promise<void> {
    const { store, log } = this.options;
    for (let batch = store.nextBatch(); batch; batch = store.nextBatch()) {
      const abort = new AbortController();
      this.current = { id: batch.id, abort };
      try {
        await this.runBatch(batch, abort.signal);
      } catch (error) {
        abort.abort();
        log(`batch ${batch.id}: ${String(error)}`);
        const [code, message] = error instanceof StoreError ? ["storage_full", error.message] : ["internal_error", "The server made a mistake."];
        store.update({ ...reach(batch, "failed"), errors: [{ code, message, param: null, line: null }] });
      } finally {
        this.current = undefined;
      }
    }
  }

  private async runBatch(batch: Batch, signal: AbortSignal): Promise<void> {
    const { store } = this.options;
    const ready = batch.status === "validating" ? await this.validate(batch) : batch;
    if (ready.status === "failed") return;
    if (ready.status === "in_progress") await this.runLines(ready, signal);
    const after = store.batch(batch.id)!;
    store.finish(reach(after, after.status === "cancelling" ? "cancelled" : "completed"));
  }

  private async validate({ id, endpoint, inputFile }: Batch): Promise<Batch> {
    const { store, parse } = this.options;
    const content = store.content(inputFile);
    const { lines, errors } = content
      ? await readLines(content, endpoint, parse)
      : { lines: [], errors: [{ code: "file_not_found", message: `The file ${inputFile} was deleted.`, param: "input_file_id", line: null }] };
    const batch = store.batch(id)!;
    if (batch.status === "cancelling") return batch;
    if (errors.length > 0) return store.update({ ...reach(batch, "failed"), errors });
    return store.atomically(() => {
      store.putLines(id, lines);
      return store.update(reach(batch, "in_progress"));
    });
  }

  private async runLines({ id, endpoint }: Batch, signal: AbortSignal): Promise<void> {
    const { store } = this.options;
    let last = 0;
    const run = async () => {
      for (let line = store.nextLine(id, last); line && !signal.aborted; line = store.nextLine(id, last)) {
        last = line.n;
        const answered = await this.ask(endpoint, line, signal);
        if (answered) store.answer(id, line.n, toResult(line, answered), answered.status !== 200);
      }
    };
    await Promise.all(Array.from({ length: lanes }, run));
  }

  /** Asks again while the server has no room. Undefined once the batch is cancelled. */
  private async ask(endpoint: string, line: Line, signal: AbortSignal): Promise<Answered | undefined> {
    for (let losses = 0; !signal.aborted;) {
      const answered = await this.options.send(endpoint, line.body, signal);
      if (signal.aborted) return undefined;
      if (answered.status !== 429 && answered.status !== 503) return answered;
      if (codeOf(answered.body) === "engine_lost" && ++losses === mostLosses) return answered;
      await pause(answered.retrySeconds, signal);
    }
    return undefined;
  }
}

/** A batch that has come to that status now. */
function reach(batch: Batch, status: Status): Batch {
  return { ...batch, status, times: { ...batch.times, [status]: now() } };
}

function toResult({ customId }: Line, { status, requestId, body }: Answered): string {
  return JSON.stringify({
    id: randomId("batch_req_"),
    custom_id: customId,
    response: { status_code: status, request_id: requestId, body },
    error: null,
  });
}

function codeOf(body: unknown): unknown {
  return (body as { readonly error?: { readonly code?: unknown } } | null)?.error?.code;
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
