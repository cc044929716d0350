// A load of requests on a server: so many at a time, begun at once or at random moments, and what came of it as one row of figures.
import { percentile, summary } from "./statistics.ts";
import type { Answer } from "./stream-client.ts";
import type { Row } from "./table.ts";
import { messageOf } from "../../util/message-of.ts";

export interface Case {
  readonly concurrency: number;
  readonly requestRate: number | undefined; // begun a second on average; undefined: as soon as there is a place
  readonly requests: number;
}

export interface Outcome {
  readonly seconds: number;
  readonly answers: readonly Answer[];
  readonly failures: readonly string[];
}

/** Runs `ask(0) … ask(requests - 1)`. With a rate, request i waits for its moment and for a place. `random` gives numbers from 0 to 1. */
export async function runLoad(load: Case, ask: (at: number) => Promise<Answer>, random: () => number): Promise<Outcome> {
  const answers: Answer[] = [];
  const failures: string[] = [];
  const start = performance.now();
  const moments = arrivals(load, random);
  let next = 0;
  const work = async () => {
    for (let at = next++; at < load.requests; at = next++) {
      const wait = moments[at]! - (performance.now() - start);
      if (wait > 0) await Bun.sleep(wait);
      try {
        answers.push(await ask(at));
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, work));
  return { seconds: (performance.now() - start) / 1000, answers, failures };
}

/** Milliseconds after the start at which requests begin: gaps of a Poisson process. */
export function arrivals({ requests, requestRate }: Case, random: () => number): number[] {
  let now = 0;
  return Array.from({ length: requests }, (_, at) => {
    if (requestRate !== undefined && at > 0) now += (-Math.log(1 - random()) / requestRate) * 1000;
    return now;
  });
}

/** Times in ms. A token's time counts from the first one on; rates count all answers over the whole time. */
export function figures({ seconds, answers, failures }: Outcome): Row {
  const sum = (of: (answer: Answer) => number) => answers.reduce((total, answer) => total + of(answer), 0);
  const [prompt, cached, tokens] = [sum(a => a.promptTokens), sum(a => a.cachedTokens), sum(a => a.tokens)];
  const first = summary(answers.map(firstMs));
  const perToken = answers.filter(a => a.tokens > 1).map(a => (a.endMs - firstMs(a)) / (a.tokens - 1));
  const gaps = answers.flatMap(({ textMs }) => textMs.slice(1).map((ms, i) => ms - textMs[i]!));
  const whole = answers.map(a => a.endMs);
  return {
    requests: answers.length,
    failed: failures.length,
    ttft_p50_ms: first.p50,
    ttft_p95_ms: first.p95,
    ttft_p99_ms: first.p99,
    tpot_p50_ms: percentile(perToken, 0.5),
    tpot_p95_ms: percentile(perToken, 0.95),
    tpot_p99_ms: percentile(perToken, 0.99),
    itl_p99_ms: percentile(gaps, 0.99),
    e2e_p50_ms: percentile(whole, 0.5),
    e2e_p99_ms: percentile(whole, 0.99),
    gen_tps: tokens / seconds,
    throughput_tps: (prompt + tokens) / seconds,
    requests_per_s: answers.length / seconds,
    prompt_tokens: prompt,
    cached_tokens: cached,
    cache_hit_rate: prompt === 0 ? 0 : cached / prompt,
  };
}

function firstMs({ textMs }: Answer): number {
  return textMs[0]!;
}
