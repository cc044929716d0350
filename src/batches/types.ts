// Uploaded files and batches as they are kept.
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly purpose: "batch" | "batch_output";
  readonly created: number; // seconds
  readonly bytes: number;
}

export const endpoints = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"] as const;
export type Endpoint = (typeof endpoints)[number];

export type Status = "validating" | "failed" | "in_progress" | "completed" | "cancelling" | "cancelled";

/** Why a batch cannot run; `line` counts from 1. */
export interface LineError {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly line: number | null;
}

export interface Counts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
}

export interface Batch {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly inputFile: string;
  readonly window: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly created: number; // seconds, like all times here
  readonly status: Status;
  readonly times: { readonly [S in Status]?: number }; // when each was reached
  readonly errors: readonly LineError[];
  readonly counts: Counts;
  readonly outputFile?: string;
  readonly errorFile?: string;
}

/** One request of a batch. */
export interface Line {
  readonly n: number;
  readonly customId: string;
  readonly body: string; // JSON text
}
