// How many prompt ids the next step reads, so that those who are being answered hardly notice. Follows the measured time per id.
//
// A step that reads takes base + ids × time per id. Both are folded into one measured time per id, which settles where the
// whole step takes as long as it may: smaller steps seem dearer per id, and are made larger.

export interface PaceOptions {
  readonly most: number; // ids in any step
  readonly fixed: number | undefined; // ids in a step while answers are written, whatever that takes
  readonly stallMs: number; // by which reading may lengthen a step while answers are written
}

const ALONE_MS = 1000; // a step when nobody waits for the next token: a cancellation takes effect after it
const FIRST = 512; // ids before anything was measured, and while answers are written
const FIRST_BESIDE = 64;
const MARGIN = 0.6; // of the bound: steps vary
const SMOOTHING = 0.3;

export class Pace {
  private msPerId: number | undefined;
  private drawMs = 0; // a step that reads nothing

  constructor(private readonly options: PaceOptions) {}

  /** Ids that the next step may read; `streaming` when it draws as well. */
  chunk(streaming: boolean): number {
    const { most, fixed, stallMs } = this.options;
    if (streaming && fixed !== undefined) return Math.min(fixed, most);
    if (this.msPerId === undefined) return Math.min(streaming ? FIRST_BESIDE : FIRST, most);
    const ids = Math.floor(((streaming ? stallMs : ALONE_MS) * MARGIN) / this.msPerId);
    return Math.max(1, Math.min(ids, most));
  }

  /** Takes note of a step: a dearer one counts at once, a cheaper one by and by. */
  observe(idsRead: number, rowsDrawn: number, ms: number): void {
    if (idsRead === 0) {
      this.drawMs += (ms - this.drawMs) * SMOOTHING;
      return;
    }
    const seen = Math.max(0, ms - (rowsDrawn > 0 ? this.drawMs : 0)) / idsRead;
    const known = this.msPerId ?? seen;
    this.msPerId = Math.max(Number.EPSILON, seen > known ? seen : known + (seen - known) * SMOOTHING);
  }
}
