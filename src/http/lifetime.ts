// How long the work for a request may go on: until the client leaves or its time is over, whichever comes first.
import { ApiError } from "../chat/error.ts";

export interface Lifetime {
  /** Aborted with the reason for which the work must end. */
  readonly signal: AbortSignal;
  /** Rejects with that reason, so that nobody waits for work that does not notice. */
  readonly over: Promise<never>;
  /** The client has left. */
  leave(): void;
  /** Somebody has asked for the end. */
  cancel(): void;
  /** Called once the work has ended. */
  onClose: () => void;
  /** The work has ended; releases the timer. */
  close(): void;
}

export function openLifetime(client: AbortSignal, seconds: number | undefined): Lifetime {
  const abort = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {}); // whoever waits for it handles it; it may also be nobody
  const end = (reason: ApiError) => {
    reject(reason); // before the work hears of it: the reason shall be what is told
    abort.abort(reason);
  };
  const leave = () => end(new ApiError(499, "The client closed the request.", { code: "client_closed" }));
  const cancel = () => end(new ApiError(499, "The request was cancelled.", { code: "cancelled" }));
  const timer =
    seconds === undefined
      ? undefined
      : setTimeout(() => end(new ApiError(504, `The request took longer than ${seconds} seconds.`, { code: "timeout" })), seconds * 1000);
  if (client.aborted) leave();
  else client.addEventListener("abort", leave, { once: true });
  const lifetime: Lifetime = {
    signal: abort.signal,
    over,
    leave,
    cancel,
    onClose: () => {},
    close() {
      clearTimeout(timer);
      client.removeEventListener("abort", leave);
      lifetime.onClose();
    },
  };
  return lifetime;
}
