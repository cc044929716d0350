// Which texts the next step encodes. Pure bookkeeping: no tensors.
import type { Encode, EncodeText } from "../engine/protocol.ts";

/** One text of one request. */
export interface QueuedText {
  readonly id: number; // of the request
  readonly text: number; // its place in the request
  readonly content: EncodeText;
}

interface Waiting {
  readonly id: number;
  readonly priority: number;
  readonly rest: QueuedText[]; // longest last, which is taken first
}

/**
 * The most urgent requests have a step for themselves; among them, requests take turns text by text, so that a short one does not wait for
 * the end of a long one.
 */
export class EncodeQueue {
  private readonly waiting: Waiting[] = [];

  constructor(private readonly maxRequests: number) {}

  get idle(): boolean {
    return this.waiting.length === 0;
  }

  /** False where as many requests wait as may; nothing is added then. */
  add({ id, texts, priority = 0 }: Encode): boolean {
    if (this.waiting.length >= this.maxRequests) return false;
    const rest = texts.map((content, text) => ({ id, text, content }));
    this.waiting.push({ id, priority, rest: rest.sort((a, b) => a.content.ids.length - b.content.ids.length) });
    return true;
  }

  /** Forgets what is left of a request; unknown ids are fine. */
  remove(id: number): void {
    const at = this.waiting.findIndex(request => request.id === id);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  /** Takes texts of together no more than `budget` ids, or one text that has more. The request that begins a step goes to the end. */
  take(budget: number): QueuedText[] {
    const taken: QueuedText[] = [];
    let left = budget;
    const urgent = Math.min(...this.waiting.map(({ priority }) => priority));
    const turns = this.waiting.filter(({ priority }) => priority === urgent);
    for (let open = turns; open.length > 0;) {
      open = open.filter(({ rest }) => {
        const length = rest.at(-1)?.content.ids.length;
        if (length === undefined || (length > left && taken.length > 0)) return false;
        taken.push(rest.pop()!);
        left -= length;
        return true;
      });
    }
    const others = this.waiting.filter(request => request !== turns[0]);
    this.waiting.splice(0, Infinity, ...[...others, ...turns.slice(0, 1)].filter(({ rest }) => rest.length > 0));
    return taken;
  }
}
