// The requests that are being answered, by the ids that clients know: the answer's own and the one in x-request-id.
import type { Lifetime } from "./lifetime.ts";

export class Running {
  private readonly lifetimes = new Map<string, Lifetime>();

  /** Known until the lifetime is closed. */
  enter(ids: readonly string[], lifetime: Lifetime): void {
    for (const id of ids) this.lifetimes.set(id, lifetime);
    lifetime.onClose = () => ids.forEach(id => this.lifetimes.delete(id));
  }

  get(id: string): Lifetime | undefined {
    return this.lifetimes.get(id);
  }
}
