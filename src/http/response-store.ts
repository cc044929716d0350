// Responses that clients may read again or go on from. In memory, bounded in number, size and age; the longest unused goes first.
import type { ResponseObject } from "../api/responses/encode.ts";
import type { Item } from "../api/responses/schema.ts";
import type { Memory } from "../api/responses/decode.ts";

export interface StoredResponse {
  readonly response: () => ResponseObject; // as it stands; a background response is still growing
  /** The conversation that was answered. */
  readonly input: readonly Item[];
  /** The same with its answer; undefined until that is complete. */
  readonly items: () => readonly Item[] | undefined;
  readonly cancel?: () => void; // a background response that runs
}

interface Entry {
  readonly stored: StoredResponse;
  readonly bytes: number;
  readonly expires: number;
}

export interface StoreLimits {
  readonly responses: number;
  readonly bytes: number; // of JSON text
  readonly hours: number;
}

const usualLimits: StoreLimits = { responses: 1000, bytes: 256 * 1024 * 1024, hours: 24 };

export class ResponseStore implements Memory {
  private readonly entries = new Map<string, Entry>(); // the longest unused first
  private bytes = 0;

  constructor(
    private readonly limits = usualLimits,
    private readonly now: () => number = Date.now,
  ) {}

  /** `bytes` is what this one adds to the size of all. */
  put(id: string, stored: StoredResponse, bytes: number): void {
    this.delete(id);
    this.entries.set(id, { stored, bytes, expires: this.now() + this.limits.hours * 3_600_000 });
    this.bytes += bytes;
    for (const [oldest, entry] of this.entries) {
      const over = this.entries.size > this.limits.responses || this.bytes > this.limits.bytes;
      if (!over && entry.expires > this.now()) break;
      this.delete(oldest);
    }
  }

  get(id: string): StoredResponse | undefined {
    const entry = this.entries.get(id);
    if (!entry) return undefined;
    this.entries.delete(id);
    if (entry.expires <= this.now()) {
      this.bytes -= entry.bytes;
      return undefined;
    }
    this.entries.set(id, entry); // used last
    return entry.stored;
  }

  delete(id: string): boolean {
    this.bytes -= this.entries.get(id)?.bytes ?? 0;
    return this.entries.delete(id);
  }

  history(responseId: string): readonly Item[] | undefined {
    return this.get(responseId)?.items();
  }

  item(id: string): Item | undefined {
    for (const { stored } of [...this.entries.values()].reverse()) {
      const found = stored.items()?.find(item => item.id === id);
      if (found) return found;
    }
    return undefined;
  }
}
