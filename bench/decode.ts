// Measures decoding without HTTP: our engine against mlx-lm's BatchGenerator, in turns, at several batch sizes.
//
//     bun bench/decode.ts [--model .build/bench/tiny] [--batches 1,8,32] [--prompt 128] [--spread 0] [--tokens 128] [--rounds 5]
//                         [--ours COMMAND] [--record]
//
// Each side is a process that loads the model once, then answers one job a line with one line (bench/peers/mlx_lm_decode.py says how).
// Prompts are `prompt` ids long; with `spread` their lengths go down evenly to `prompt - spread`, so that rows stand at different positions.
// The sides never work at the same time. COMMAND is ours, without the model: `--ours "bun bench/ours-decode.ts"`.
import { parseArgs } from "node:util";
import { appendCsv, circumstances, shortSpread, spread, table } from "./lib/report.ts";
import type { Row } from "../src/cli/bench/table.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: ".build/bench/tiny" },
    batches: { type: "string", default: "1,8,32" },
    prompt: { type: "string", default: "128" },
    spread: { type: "string", default: "0" },
    tokens: { type: "string", default: "128" },
    rounds: { type: "string", default: "5" },
    ours: { type: "string" },
    python: { type: "string", default: ".build/venv-bench/mlx-lm/bin/python" },
    record: { type: "boolean", default: false },
  },
});

interface Job {
  batch: number;
  prompt: number;
  spread: number;
  tokens: number;
}

/** Tokens a second; peers/mlx_lm_decode.py defines the three. */
interface Rates {
  decode: number;
  whole: number;
  prefill: number;
}

interface Worker {
  name: string;
  run: (job: Job) => Promise<Rates>;
  close: () => Promise<void>;
}

function openWorker(name: string, argv: string[]): Worker {
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const lines = readLines(child.stdout);
  const run = async (job: Job) => {
    child.stdin.write(JSON.stringify(job) + "\n");
    await child.stdin.flush();
    const line = await lines.next();
    if (line.done) throw new Error(`${name} ended with ${await child.exited}`);
    return JSON.parse(line.value) as Rates;
  };
  const close = async () => {
    await child.stdin.end();
    await child.exited;
  };
  return { name, run, close };
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}

async function measure(workers: Worker[], job: Job, rounds: number): Promise<Rates[][]> {
  const results: Rates[][] = workers.map(() => []);
  for (const worker of workers) await worker.run(job); // compiles kernels and fills the allocator's cache
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < workers.length; turn++) {
      const index = (round + turn) % workers.length;
      const rates = await workers[index]?.run(job);
      if (rates) results[index]?.push(rates);
    }
  }
  return results;
}

function report(workers: Worker[], job: Job, results: Rates[][]): { text: string[]; rows: Row[] } {
  const kinds = ["decode", "whole", "prefill"] as const;
  const text = [String(job.batch)];
  const rows: Row[] = [];
  const own = workers.findIndex(w => w.name === "pippin");
  for (const kind of kinds) {
    const values = results.map(rates => rates.map(r => r[kind]));
    const ours = values[own];
    const ratio = ours && spread(ours.map((value, round) => value / (values[1 - own]?.[round] ?? NaN)));
    text.push(...values.map(v => shortSpread(spread(v))), ...(ratio ? [shortSpread(ratio)] : []));
    values.forEach((v, i) => {
      const { median, min, max } = spread(v);
      const compared = i === own ? undefined : ratio;
      rows.push({
        ...{ engine: workers[i]?.name, batch: job.batch, prompt: job.prompt, tokens: job.tokens, metric: `${kind}, tokens/s` },
        ...{ median: median.toPrecision(4), min: min.toPrecision(4), max: max.toPrecision(4) },
        ...{ ours_over_theirs: compared?.median.toPrecision(4), ratio_min: compared?.min.toPrecision(4), ratio_max: compared?.max.toPrecision(4) },
      });
    });
  }
  return { text, rows };
}

function output(...argv: string[]): string {
  return Bun.spawnSync(argv).stdout.toString().trim();
}

/** The versions of the peer and of the MLX that it runs on. */
function versions(python: string): string {
  const program = "from importlib.metadata import version as v; print(f\"mlx-lm {v('mlx-lm')}, mlx {v('mlx')}\")";
  return output(python, "-c", program);
}

if (Bun.which(options.python) === null) throw new Error(`no ${options.python}; bench/README.md says how to install the peers`);
const where = circumstances(
  `bun bench/decode.ts --prompt ${options.prompt} --spread ${options.spread} --tokens ${options.tokens} --rounds ${options.rounds}`,
);
const workers = [
  ...(options.ours === undefined ? [] : [openWorker("pippin", [...options.ours.split(" "), options.model])]),
  openWorker("mlx-lm", [options.python, "bench/peers/mlx_lm_decode.py", options.model]),
];
const names = workers.length === 2 ? ["pippin", "mlx-lm", "ours/theirs"] : ["mlx-lm"];
const lines = [["batch", ...["decode", "whole", "prefill"].flatMap(kind => names.map(name => `${kind}: ${name}`))]];
const gpu = Bun.which("nvidia-smi") ? output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").split("\n")[0] : undefined;
const what = { gpu, model: options.model.split("/").at(-1), versions: versions(options.python) };
for (const batch of options.batches.split(",").map(Number)) {
  const job = { batch, prompt: Number(options.prompt), spread: Number(options.spread), tokens: Number(options.tokens) };
  const { text, rows } = report(workers, job, await measure(workers, job, Number(options.rounds)));
  lines.push(text);
  console.error(`batch ${text.join(", ")}`); // at once, as the record: a machine may go away before the last batch
  if (options.record) {
    appendCsv(
      "bench/results/decode.csv",
      rows.map(row => ({ ...where, ...what, ...row })),
    );
  }
}
for (const worker of workers) await worker.close();
console.log(`tokens/s, prompts of ${options.prompt}, ${options.tokens} tokens each\n${table(lines)}`);
