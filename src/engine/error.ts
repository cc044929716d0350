// How a sequence that could not finish shows in the HTTP process.
import type { FailureCode } from "./protocol.ts";

export class EngineError extends Error {
  constructor(
    readonly code: FailureCode,
    message: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}
