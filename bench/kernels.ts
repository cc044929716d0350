// Counts the device kernels of one decode step, per layer and apart from the layers, for this engine and for mlx-lm.
//
//     bun bench/kernels.ts [--model .build/bench/small] [--batch 1] [--library LIBSHIM] [--record]
//
// Nothing is timed: both sides build the graph of a step, and its primitives are counted, without those that only look at
// memory in another way. The same checkpoint is read with one and with three of its layers; half the difference is a layer.
// On the CPU back end both sides write norms and rotary positions in many primitives: the figures that matter are a GPU's.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { KvRows } from "../src/kv/rows.ts";
import { loadModel } from "../src/models/load.ts";
import * as mx from "../src/mx/index.ts";
import { SamplerRow } from "../src/sampling/row.ts";
import { sample } from "../src/sampling/sampler.ts";
import { appendCsv, circumstances, table } from "./lib/report.ts";
import { greedy } from "../src/sampling/greedy.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: ".build/bench/small" },
    batch: { type: "string", default: "1" },
    library: { type: "string", default: join(import.meta.dir, "../.build/lib/mlx/lib/libshim.so") },
    python: { type: "string", default: ".build/venv-bench/mlx-lm/bin/python" },
    record: { type: "boolean", default: false },
  },
});

/** Primitives that give another view of memory and start no kernel. */
const VIEWS = new Set(
  "AsStrided Broadcast BroadcastAxes Copy Depends ExpandDims Flatten NumberOfElements Reshape Slice Split Squeeze StopGradient Transpose Unflatten".split(
    " ",
  ),
);
const LAYERS = [1, 3] as const;
const PROMPT = 32;

type Counts = Readonly<Record<string, number>>;

/** A copy of the checkpoint that says it has fewer layers; the weights are links. */
function withLayers(folder: string, layers: number): string {
  const copy = mkdtempSync(join(tmpdir(), "pippin-kernels-"));
  for (const file of readdirSync(folder)) {
    if (file.endsWith(".safetensors")) symlinkSync(resolve(folder, file), join(copy, file));
    else cpSync(join(folder, file), join(copy, file), { recursive: true });
  }
  const config = JSON.parse(readFileSync(join(copy, "config.json"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(copy, "config.json"), JSON.stringify({ ...config, num_hidden_layers: layers }));
  return copy;
}

/** The primitives of one greedy step of so many rows that hold a prompt each. */
function ours(folder: string, batch: number): Counts {
  const { model, weights } = loadModel(folder);
  const kv = new KvRows(model.layout);
  const counts = mx.scope(() => {
    for (let row = 0; row < batch; row++) kv.addRow();
    const ids = mx.fromArray(new Uint32Array(batch * PROMPT), [batch, PROMPT]);
    mx.evaluate(model.forward(model.embed(ids), kv.begin(PROMPT), kv.layers, ids));
    const last = mx.fromArray(new Uint32Array(batch), [batch, 1]);
    const hidden = model.forward(model.embed(last), kv.begin(1), kv.layers, last);
    const logits = mx.reshape(model.logits(hidden), [batch, model.vocabSize]);
    const rows = Array.from({ length: batch }, () => {
      return new SamplerRow({ sampling: greedy, minTokens: 0, stopIds: [], logprobs: undefined }, model.vocabSize, new Uint32Array(1));
    });
    return Object.fromEntries(mx.primitives([sample(logits, rows).ids]));
  });
  kv.release();
  weights.release();
  return counts;
}

function theirs(folder: string, batch: number): Counts {
  const run = Bun.spawnSync([options.python, join(import.meta.dir, "peers/mlx_lm_kernels.py"), folder, String(batch), String(PROMPT)], {
    stderr: "inherit",
  });
  if (run.exitCode !== 0) throw new Error(`mlx_lm_kernels.py ended with ${run.exitCode}`);
  return JSON.parse(run.stdout.toString()) as Counts;
}

/** Names of fused kernels are their contents; together they count as what they are. */
function kernels(counts: Counts): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, count] of Object.entries(counts)) {
    if (VIEWS.has(name)) continue;
    const kind = name.startsWith("Compiled") ? "Compiled" : name;
    found.set(kind, (found.get(kind) ?? 0) + count);
  }
  return found;
}

const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);

const device = mx.openLibrary(options.library, "auto");
const batch = Number(options.batch);
const folders = LAYERS.map(layers => withLayers(options.model, layers));
try {
  const sides = Object.entries({ pippin: ours, "mlx-lm": theirs }).map(([name, count]) => {
    const [few, many] = folders.map(folder => kernels(count(folder, batch))) as [Map<string, number>, Map<string, number>];
    const perLayer = (total(many) - total(few)) / (LAYERS[1] - LAYERS[0]);
    const kinds = [...many].flatMap(([kind, n]) => {
      const each = (n - (few.get(kind) ?? 0)) / (LAYERS[1] - LAYERS[0]);
      return each === 0 ? [] : [`${kind} ${each}`];
    });
    return { name, perLayer, beside: total(few) - LAYERS[0] * perLayer, kinds };
  });
  const [us, them] = sides as [(typeof sides)[number], (typeof sides)[number]];
  console.log(`kernels of a decode step on the ${device}, batch ${batch}`);
  console.log(
    table([["", "per layer", "beside layers", "in a layer"], ...sides.map(s => [s.name, `${s.perLayer}`, `${s.beside}`, s.kinds.join(", ")])]),
  );
  console.log(`pippin/mlx-lm per layer: ${(us.perLayer / them.perLayer).toFixed(3)}`);
  if (options.record) {
    const head = circumstances(`bun bench/kernels.ts ${process.argv.slice(2).join(" ")}`);
    const rows = sides.map(s => ({ ...head, device, batch, side: s.name, per_layer: s.perLayer, beside_layers: s.beside, kinds: s.kinds.join(" ") }));
    appendCsv(join(import.meta.dir, "results/kernels.csv"), rows);
  }
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
