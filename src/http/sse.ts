// Events → a streamed Response. Frames of one turn of the event loop go out in one write; a slow client slows the events, not the memory.
// Bun sends the headers with the first chunk, so the opening frames are written at once.
import type { Failure, Frames } from "../api/frames.ts";
import type { ChatEvent } from "../chat/types.ts";
import type { Lifetime } from "./lifetime.ts";

export interface Stream {
  /** The first event, already asked for, and where the others come from. */
  readonly first: Promise<IteratorResult<ChatEvent>>;
  readonly events: AsyncIterator<ChatEvent>;
  readonly frames: Frames;
  readonly lifetime: Lifetime; // closed at the stream's end
  readonly keepAliveMs: number;
  readonly toFailure: (error: unknown) => Failure;
}

const highWater = 64 * 1024; // characters that wait for the socket before the events wait, too
const encoder = new TextEncoder();

export function streamResponse(stream: Stream, headers: Readonly<Record<string, string>>): Response {
  return new Response(eventStream(stream), {
    headers: {
      "content-type": stream.frames.contentType ?? "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      ...headers,
    },
  });
}

/** Text on its way from one writer to one reader. What is written in one turn of the event loop is taken at once. */
function makeOutbox(opening: string) {
  let waiting = opening;
  let waking = false;
  let wake = () => {}; // the reader, when it waits for text
  let resume = () => {}; // the writer, when it waits for room
  return {
    isEmpty: () => waiting === "",
    write(text: string): void {
      waiting += text;
      if (waking) return;
      waking = true;
      setImmediate(() => {
        waking = false;
        wake();
      });
    },
    async room(): Promise<void> {
      if (waiting.length > highWater) await new Promise<void>(resolve => (resume = resolve));
    },
    async take(): Promise<string> {
      while (!waiting) await new Promise<void>(resolve => (wake = resolve)); // a turn may end after its text was taken
      const text = waiting;
      waiting = "";
      resume();
      return text;
    },
    release: () => resume(), // the reader has left
  };
}

function eventStream({ first, events, frames, lifetime, keepAliveMs, toFailure }: Stream): ReadableStream<Uint8Array> {
  const outbox = makeOutbox(frames.open());
  let ended = false;
  const keepAlive = setInterval(() => {
    if (outbox.isEmpty()) outbox.write(frames.keepAlive());
  }, keepAliveMs);

  const writeEvents = async () => {
    for (let next = first; ; next = events.next()) {
      const { done, value } = await next;
      if (done) return;
      if (ended) return void events.return?.().catch(toFailure); // nobody listens any more; a mistake is still logged
      const text = frames.event(value);
      if (text) outbox.write(text);
      await outbox.room();
    }
  };
  const end = (last: string) => {
    ended = true;
    clearInterval(keepAlive);
    lifetime.close();
    outbox.write(last);
  };

  return new ReadableStream({
    start() {
      void Promise.race([writeEvents(), lifetime.over]).then(
        () => end(frames.close()),
        error => end(frames.fail(toFailure(error))),
      );
    },
    async pull(controller) {
      if (!ended || !outbox.isEmpty()) controller.enqueue(encoder.encode(await outbox.take()));
      keepAlive.refresh();
      if (ended && outbox.isEmpty()) controller.close();
    },
    cancel() {
      lifetime.leave();
      outbox.release();
    },
  });
}
