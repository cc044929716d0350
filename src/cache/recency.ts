// A list in the order of use: putting in, taking out and finding the oldest take the same time however many there are.

export interface Listed<E extends Listed<E>> {
  list: RecencyList<E> | undefined;
  older: E | undefined;
  newer: E | undefined;
}

export class RecencyList<E extends Listed<E>> {
  private first: E | undefined;
  private last: E | undefined;

  get oldest(): E | undefined {
    return this.first;
  }

  /** Puts an entry that is in no list behind all others. */
  push(entry: E): void {
    entry.list = this;
    entry.older = this.last;
    if (this.last === undefined) this.first = entry;
    else this.last.newer = entry;
    this.last = entry;
  }

  remove(entry: E): void {
    if (entry.older === undefined) this.first = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.last = entry.older;
    else entry.newer.older = entry.older;
    entry.list = entry.older = entry.newer = undefined;
  }

  *[Symbol.iterator](): Generator<E> {
    for (let entry = this.first; entry !== undefined; entry = entry.newer) yield entry;
  }
}
