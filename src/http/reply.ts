// One piece of work from its decoded request to its whole answer. It ends with the client, with its deadline, or when it is cancelled.
import type { Context } from "./context.ts";
import { headerList } from "./answer.ts";
import { openLifetime } from "./lifetime.ts";

export interface Work {
  readonly ids: readonly string[]; // by which it can be cancelled
  readonly timeoutSeconds: number | undefined; // the client's own
  readonly ignored: readonly string[];
  readonly run: (signal: AbortSignal) => Promise<Reply>;
}

export interface Reply {
  readonly body: object;
  readonly truncated: number; // inputs that were cut
}

export async function reply({ ids, timeoutSeconds, ignored, run }: Work, request: Request, context: Context): Promise<Response> {
  const lifetime = openLifetime(request.signal, timeoutSeconds ?? context.config.timeout);
  context.running.enter(ids, lifetime);
  try {
    lifetime.signal.throwIfAborted();
    const { body, truncated } = await Promise.race([run(lifetime.signal), lifetime.over]);
    const headers = {
      ...(ignored.length > 0 && { "x-pippin-ignored": headerList(ignored) }),
      ...(truncated > 0 && { "x-pippin-truncated": String(truncated) }),
    };
    return Response.json(body, { headers });
  } finally {
    lifetime.close();
  }
}
