// Whose turn it is. More urgent sequences first; among equally urgent ones the client that was served least; then the one that came first.
//
// Service is counted in tokens per client, as in "Fairness in Serving Large Language Models" (Sheng et al. 2024). A client that
// returns after a pause starts level with the least served one that is there, so that a pause is no credit.
import type { Sequence } from "./sequence.ts";

/** What an id costs: a drawn one takes a whole step, a read one a part of it. */
export const READ_COST = 1;
export const DRAWN_COST = 2;

interface Account {
  served: number;
  open: number; // sequences that wait or run
}

export class Shares {
  private readonly accounts = new Map<string, Account>();

  /** A sequence of this client came. */
  enter(client: string): void {
    const account = this.accounts.get(client);
    if (account !== undefined) account.open += 1;
    else this.accounts.set(client, { served: this.least(), open: 1 });
  }

  /** A sequence of this client ended. */
  leave(client: string): void {
    const account = this.accounts.get(client)!;
    account.open -= 1;
    if (account.open === 0) this.accounts.delete(client);
  }

  charge(client: string, cost: number): void {
    this.accounts.get(client)!.served += cost;
  }

  /** Negative when `a` comes before `b`. */
  readonly compare = (a: Sequence, b: Sequence): number => a.priority - b.priority || this.served(a) - this.served(b) || a.arrival - b.arrival;

  get clients(): number {
    return this.accounts.size;
  }

  private served(sequence: Sequence): number {
    return this.accounts.get(sequence.client)!.served;
  }

  private least(): number {
    const all = [...this.accounts.values()].map(({ served }) => served);
    return all.length === 0 ? 0 : Math.min(...all);
  }
}

/** The first of a list that need not be sorted. */
export function firstOf(sequences: readonly Sequence[], compare: (a: Sequence, b: Sequence) => number): Sequence | undefined {
  return sequences.reduce<Sequence | undefined>((best, one) => (best === undefined || compare(one, best) < 0 ? one : best), undefined);
}
