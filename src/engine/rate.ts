// How fast something is done now: what was counted in the last seconds, by the time since the first of it was begun. So it rises at
// once when work begins, falls while nothing comes, and is 0 when nothing came for a whole window.

const WINDOW_MS = 5000;
const GRAIN_MS = 100; // what begins within it is counted as one

interface Span {
  readonly from: number; // ms
  to: number;
  count: number;
}

export class Rate {
  private readonly spans: Span[] = [];

  /** Counts what was done in [from, to]; times never go back. */
  add(count: number, from: number, to: number): void {
    if (count === 0) return;
    const last = this.spans.at(-1);
    if (last !== undefined && from - last.from < GRAIN_MS) {
      last.to = to;
      last.count += count;
    } else this.spans.push({ from, to, count });
    this.forget(to);
  }

  perSecond(now: number): number {
    this.forget(now);
    const [first] = this.spans;
    if (first === undefined) return 0;
    const total = this.spans.reduce((sum, { count }) => sum + count, 0);
    return now > first.from ? (total * 1000) / (now - first.from) : 0;
  }

  private forget(now: number): void {
    while (this.spans.length > 0 && this.spans[0]!.to <= now - WINDOW_MS) this.spans.shift();
  }
}
