// What a sequence's reader is told: ids in order, gathered to as many as a message shall have, and what belongs to its first row.
import type { Sequence } from "../scheduler/sequence.ts";
import type { StepRow, TokenLogprob } from "./protocol.ts";
import type { Drawn } from "./pending.ts";

interface News {
  ids: number[];
  logprobs: TokenLogprob[];
  promptLogprobs: (TokenLogprob | null)[] | undefined; // until the first row is made
  told: boolean; // the first row was made
}

export class Outbox {
  private readonly news = new Map<Sequence, News>();

  /** `interval`: ids that a row has, except the last row. */
  constructor(private readonly interval: number) {}

  /** Adds a recorded id; the row that is to be sent now, if any. */
  add({ sequence, id, logprob }: Drawn): StepRow | undefined {
    const news = this.of(sequence);
    news.ids.push(id);
    if (logprob !== undefined) news.logprobs.push(logprob);
    return sequence.finish !== undefined || news.ids.length >= this.interval ? this.row(sequence) : undefined;
  }

  addPrompt(sequence: Sequence, tokens: readonly TokenLogprob[]): void {
    const news = this.of(sequence);
    news.promptLogprobs ??= [null];
    news.promptLogprobs.push(...tokens);
  }

  /** All that is known and was not sent. */
  row(sequence: Sequence): StepRow {
    const news = this.of(sequence);
    const { ids, logprobs, promptLogprobs, told } = news;
    [news.ids, news.logprobs, news.promptLogprobs, news.told] = [[], [], undefined, true];
    return {
      id: sequence.id,
      ids,
      ...(logprobs.length > 0 && { logprobs }),
      ...(!told && { cachedTokens: sequence.cached }),
      ...(!told && sequence.prefix && { prefix: sequence.prefix }),
      ...(promptLogprobs && { promptLogprobs }),
      ...(sequence.finish && { finish: sequence.finish }),
      ...(sequence.repetition !== undefined && { repetition: sequence.repetition }),
    };
  }

  drop(sequence: Sequence): void {
    this.news.delete(sequence);
  }

  private of(sequence: Sequence): News {
    let news = this.news.get(sequence);
    if (news === undefined) this.news.set(sequence, (news = { ids: [], logprobs: [], promptLogprobs: undefined, told: false }));
    return news;
  }
}
