// `pippin bench --invariance`: the same prompts one after the other and then together, greedy, several times over. What changes
// between the two is the engine's doing: it tells the share of tokens that agree, with its confidence interval, and of equal answers.
import { writeFileSync } from "node:fs";
import { counts, type BenchConfig } from "./options.ts";
import { inTime, withEngine, type OpenEngine } from "./open-engine.ts";
import { poems, promptsOf } from "./prompts.ts";
import { interval, mean, type Interval } from "./statistics.ts";
import { toText } from "./table.ts";
import { agreement } from "../../util/agreement.ts";
import { greedy } from "../../sampling/greedy.ts";

const LEAST_AGREEMENT = 0.95; // below that, with the stated confidence, answers depend on their company

interface Run {
  readonly agreement: number;
  readonly exact: number;
}

interface Verdict {
  readonly concurrency: number;
  readonly runs: readonly Run[];
  readonly tokens: Interval;
  readonly exact: Interval;
}

/** Ends with exit code 1 when the interval's lower end lies below 95 %. */
export async function benchInvariance(config: BenchConfig): Promise<void> {
  const { bench } = config;
  const widths = counts("--concurrency", bench.concurrency);
  const given = bench.promptsFile === undefined ? poems(bench.numPrompts) : promptsOf(bench.promptsFile);
  const verdicts = await withEngine(config.engine, async open => {
    const found: Verdict[] = [];
    for (const width of widths) found.push(await measure(open, fill(given, width), width, config));
    return { model: open.name, found };
  });
  const rows = verdicts.found.map(({ concurrency, runs, tokens, exact }) => ({
    concurrency,
    runs: runs.length,
    "token agreement %": round(tokens.mean),
    [`${bench.confidence} interval`]: `${round(tokens.low)} to ${round(tokens.high)}`,
    "exact match %": round(exact.mean),
  }));
  process.stdout.write(toText(rows, "table"));
  if (bench.jsonOut !== undefined) writeFileSync(bench.jsonOut, JSON.stringify(report(config, verdicts.model, verdicts.found), null, 2));
  const violated = verdicts.found.filter(({ tokens }) => tokens.low < LEAST_AGREEMENT);
  if (violated.length > 0) process.exitCode = 1;
  process.stdout.write(
    violated.length === 0
      ? "Answers do not depend on what runs beside them.\n"
      : `Answers change in company at concurrency ${violated.map(v => v.concurrency).join(", ")}.\n`,
  );
}

/** At least as many prompts as go together: further ones are numbered repetitions. */
function fill(prompts: readonly string[], width: number): string[] {
  const length = Math.max(prompts.length, width);
  return Array.from({ length }, (_, at) => {
    const round = Math.floor(at / prompts.length);
    const prompt = prompts[at % prompts.length]!;
    return round === 0 ? prompt : `${prompt} Poem ${round + 1}.`;
  });
}

async function measure(open: OpenEngine, prompts: readonly string[], width: number, { bench }: BenchConfig): Promise<Verdict> {
  const runs: Run[] = [];
  for (let run = 0; run < bench.runs; run++) {
    const alone = await answers(open, prompts, 1, bench.maxTokens);
    const together = await answers(open, prompts, width, bench.maxTokens);
    const shares = alone.map((ids, at) => agreement(ids, together[at]!));
    runs.push({ agreement: mean(shares), exact: shares.filter(share => share === 1).length / shares.length });
  }
  const tokens = interval(
    runs.map(run => run.agreement),
    bench.confidence,
  );
  const exact = interval(
    runs.map(run => run.exact),
    bench.confidence,
  );
  return { concurrency: width, runs, tokens, exact };
}

/** Greedy answers to all prompts, at most `width` of them at a time. */
async function answers({ engine, text }: OpenEngine, prompts: readonly string[], width: number, maxTokens: number): Promise<number[][]> {
  const waiting = [...prompts.entries()];
  const found: number[][] = prompts.map(() => []);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, prompt] = next;
      const ids = text.tokenizer.encode(prompt, { specialTokens: true });
      const request = { prompt: ids, sampling: greedy, maxTokens, minTokens: 0, stopIds: text.stopIds };
      const rows = engine.generate(request, new AbortController().signal)[Symbol.asyncIterator]();
      for (let row = await inTime(rows.next()); !row.done; row = await inTime(rows.next())) found[at]!.push(...row.value.ids);
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return found;
}

function report({ bench }: BenchConfig, model: string, verdicts: readonly Verdict[]) {
  const told = ({ mean, stdev, low, high }: Interval) => ({ mean, stdev, ci_lower: low, ci_upper: high });
  return verdicts.map(({ concurrency, runs, tokens, exact }) => ({
    model,
    concurrency,
    max_tokens: bench.maxTokens,
    runs: runs.length,
    confidence_level: Number(bench.confidence),
    exact_match_rate: exact.mean,
    token_agreement_rate: tokens.mean,
    exact_match_summary: told(exact),
    token_agreement_summary: told(tokens),
    run_reports: runs.map(run => ({ token_agreement_rate: run.agreement, exact_match_rate: run.exact })),
  }));
}

function round(share: number): number {
  return Math.round(share * 10_000) / 100;
}
