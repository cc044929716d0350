// What every dialect offers to the routes: an answer folded from events, or written as a stream, and how a failure is told.
import type { ChatEvent } from "../chat/types.ts";

/** Any failure on its way to the client, before it has the shape of a dialect. */
export interface Failure {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Collects the events of a request into one object. */
export interface Answer {
  add(event: ChatEvent): void;
  /** The response's body; complete once every choice has finished. */
  body(): object;
}

/** Writes a request's events as a stream. Every method gives whole frames, or "" when there is nothing to write. */
export interface Frames {
  /** Server-sent events when absent. */
  readonly contentType?: string;
  /** Before anything is known of the answer. */
  open(): string;
  event(event: ChatEvent): string;
  /** After the last event of the last choice. */
  close(): string;
  /** Instead of `close`. */
  fail(failure: Failure): string;
  /** Shows in silence that the server lives. */
  keepAlive(): string;
}
