// The protocol of vllm-mlx's bench, its ten prompts sent together, by three engines without HTTP: this one, vllm-mlx and mlx-lm's batch_generate.
//
//     bun bench/protocol.ts [--model .build/bench/small] [--tokens 64] [--rounds 3] [--record]
//
// On a GPU every side runs once before, as the first run ever compiles its kernels. Each round starts each side as a fresh process, one after the other, in an order that turns. The first pass of a process is what a
// command costs that loads, answers ten prompts and ends; the second what an engine does that is warm. vllm-mlx's command has one pass.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Row } from "../src/cli/bench/table.ts";
import { appendCsv, circumstances, shortSpread, spread, table } from "./lib/report.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: ".build/bench/small" },
    tokens: { type: "string", default: "64" },
    rounds: { type: "string", default: "3" },
    venvs: { type: "string", default: ".build/venv-bench" },
    record: { type: "boolean", default: false },
  },
});

interface Pass {
  readonly seconds: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

interface Side {
  readonly name: string;
  readonly passes: (model: string, tokens: string) => Pass[];
}

const widths = ["--max-num-seqs", "32", "--prefill-batch-size", "8", "--completion-batch-size", "16"];

function run(argv: string[]): string {
  const child = Bun.spawnSync(argv, { stderr: "inherit", env: { ...process.env, HF_HUB_OFFLINE: "1" } });
  const printed = child.stdout.toString();
  const ended = `${argv.slice(0, 3).join(" ")} ended with ${child.exitCode ?? child.signalCode}`;
  if (child.exitCode !== 0 && !printed.includes("Throughput:")) throw new Error(`${ended}:\n${printed.slice(-2000)}`);
  if (child.exitCode !== 0) console.error(`${ended}, after its figures`); // vllm-mlx does so now and then on CUDA
  return printed;
}

const ours: Side = {
  name: "pippin",
  passes: (model, tokens) => {
    const folder = mkdtempSync(join(tmpdir(), "pippin-protocol-"));
    const out = join(folder, "passes.json");
    run([process.execPath, "src/main.ts", "bench", model, "--max-tokens", tokens, ...widths, "--ignore-eos", "--passes", "2", "--json-out", out]);
    const { passes } = JSON.parse(readFileSync(out, "utf8")) as { passes: Pass[] };
    rmSync(folder, { recursive: true });
    return passes;
  },
};

const vllmMlx: Side = {
  name: "vllm-mlx",
  passes: (model, tokens) => {
    const printed = run([join(options.venvs, "vllm-mlx/bin/vllm-mlx"), "bench", model, "--max-tokens", tokens, ...widths, "--num-prompts", "10"]);
    const figure = (name: string) => Number(new RegExp(`${name}: ([\\d.]+)`).exec(printed)?.[1]);
    const completionTokens = figure("Total completion tokens");
    // Its seconds have two digits, its rate has more.
    return [{ seconds: completionTokens / figure("Tokens/second"), promptTokens: figure("Total prompt tokens"), completionTokens }];
  },
};

const mlxLm: Side = {
  name: "mlx-lm",
  passes: (model, tokens) => {
    const printed = run([join(options.venvs, "mlx-lm/bin/python"), "bench/peers/mlx_lm_batch.py", model, tokens, "2"]);
    return printed
      .trim()
      .split("\n")
      .map(line => JSON.parse(line) as Pass);
  },
};

/** Generated tokens a second, and as vllm-mlx's Throughput line counts, those of the prompts with them. */
const generated = ({ completionTokens, seconds }: Pass) => completionTokens / seconds;
const throughput = ({ completionTokens, promptTokens, seconds }: Pass) => (completionTokens + promptTokens) / seconds;

const sides = [ours, vllmMlx, mlxLm];
if (Bun.which("nvidia-smi")) for (const side of sides) side.passes(options.model, options.tokens); // kernels are compiled once for a machine
const rounds = Number(options.rounds);
const results: Pass[][][] = sides.map(() => []); // side, round, pass
for (let round = 0; round < rounds; round++) {
  for (let turn = 0; turn < sides.length; turn++) {
    const at = (round + turn) % sides.length;
    const passes = sides[at]!.passes(options.model, options.tokens);
    results[at]!.push(passes);
    console.error(`round ${round + 1}, ${sides[at]!.name}: ${passes.map(pass => `${generated(pass).toFixed(0)} tok/s`).join(", then ")}`);
  }
}

const lines = [["", "first pass: generated tok/s", "Throughput, tok/s", "second pass: generated tok/s"]];
const rows: Row[] = [];
const gpu = Bun.which("nvidia-smi") ? run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]).split("\n")[0] : undefined;
const where = {
  ...circumstances(`bun bench/protocol.ts --tokens ${options.tokens} --rounds ${rounds}`),
  gpu,
  model: options.model.split("/").at(-1),
};
sides.forEach(({ name }, at) => {
  const column = (pass: number, of: (pass: Pass) => number) => results[at]!.flatMap(passes => (passes[pass] ? [of(passes[pass])] : []));
  const figures = { "first pass": column(0, generated), "first pass with prompts": column(0, throughput), "second pass": column(1, generated) };
  lines.push([name, ...Object.values(figures).map(values => (values.length > 0 ? shortSpread(spread(values)) : "—"))]);
  for (const [metric, values] of Object.entries(figures)) {
    if (values.length === 0) continue;
    const { median, min, max } = spread(values);
    const numbers = { median: median.toPrecision(4), min: min.toPrecision(4), max: max.toPrecision(4) };
    rows.push({ ...where, engine: name, metric: `${metric}, tokens/s`, ...numbers });
  }
});
console.log(table(lines));

function ratio(title: string, own: number, peer: number, pass: number): void {
  const values = results[own]!.map((passes, round) => generated(passes[pass]!) / generated(results[peer]![round]![pass]!));
  console.log(`${title}: ${shortSpread(spread(values))}`);
}
ratio("first pass, pippin/vllm-mlx", 0, 1, 0);
ratio("first pass, pippin/mlx-lm", 0, 2, 0);
ratio("second pass, pippin/mlx-lm", 0, 2, 1);
if (options.record) appendCsv(join(import.meta.dir, "results/protocol.csv"), rows);
