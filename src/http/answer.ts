// One generation from its decoded request to its Response, streamed or whole. Every way out of here ends the engine's work:
// the events' end, a failure, the deadline, or the client that left.
import type { Answer, Frames } from "../api/frames.ts";
import type { Head } from "../api/openai/encode.ts";
import type { Service } from "../chat/service.ts";
import type { ChatEvent } from "../chat/types.ts";
import { randomId } from "../util/id.ts";
import type { Context } from "./context.ts";
import { toFailure } from "./errors.ts";
import { openLifetime } from "./lifetime.ts";
import { streamResponse } from "./sse.ts";

export interface Generation {
  readonly id?: string; // by which it can be cancelled, as by the request's
  readonly run: (signal: AbortSignal) => AsyncIterable<ChatEvent>;
  readonly answer: () => Answer;
  readonly frames: () => Frames;
  readonly stream: boolean;
  readonly timeoutSeconds: number | undefined; // the client's own
  readonly ignored: readonly string[];
}

/** A new answer's head; `model` is told as it was asked for. */
export function openHead(
  prefix: string,
  service: Service,
  wire: Pick<Head, "serviceTier"> & { readonly model: string | undefined },
  version: string,
): Head {
  const weights = `${version} ${service.id} ${service.engine.info?.quantization}`;
  return {
    id: randomId(prefix),
    created: Math.floor(Date.now() / 1000),
    model: wire.model ?? service.id,
    fingerprint: `fp_${Bun.hash(weights).toString(16).padStart(16, "0")}`,
    serviceTier: wire.serviceTier,
  };
}

export interface Exchange {
  readonly request: Request;
  readonly requestId: string;
  readonly context: Context;
}

/** Throws what fails before the first byte of the answer; later failures are told inside the stream. */
export async function respond(generation: Generation, { request, requestId, context }: Exchange): Promise<Response> {
  const { id, stream, timeoutSeconds, ignored } = generation;
  const headers: Record<string, string> = ignored.length > 0 ? { "x-pippin-ignored": headerList(ignored) } : {};
  const lifetime = openLifetime(request.signal, timeoutSeconds ?? (stream ? undefined : context.config.timeout));
  context.running.enter(id === undefined ? [requestId] : [id, requestId], lifetime);
  try {
    lifetime.signal.throwIfAborted();
    const events = generation.run(lifetime.signal)[Symbol.asyncIterator]();
    if (stream) {
      const first = events.next();
      await Promise.race([first, lifetime.over, Bun.sleep(context.openAfterMs)]);
      const failed = (error: unknown) => toFailure(error, requestId, context.log);
      const frames = generation.frames();
      return streamResponse({ first, events, lifetime, frames, keepAliveMs: context.keepAliveMs, toFailure: failed }, headers);
    }
    const body = await Promise.race([collect(generation.answer(), events), lifetime.over]);
    lifetime.close();
    return Response.json(body, { headers });
  } catch (error) {
    lifetime.close();
    throw error;
  }
}

async function collect(answer: Answer, events: AsyncIterator<ChatEvent>): Promise<object> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return answer.body();
    answer.add(value);
  }
}

/** Names from a request body as a header value: printable ASCII, cut after 500 characters. */
export function headerList(names: readonly string[]): string {
  return names
    .map(name => name.replace(/[^\x21-\x7e]/g, "?"))
    .join(", ")
    .slice(0, 500);
}
