// The corpus of real schemas from end to end: what is enforced, what is refused and why, how long compiling takes, how long masks take,
// and whether what a model with random weights answers is valid. bun bench/schemas.ts [--rounds 1]; needs `make shim`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GrammarError } from "../src/grammar/error.ts";
import { GrammarCompiler } from "../src/grammar/compile.ts";
import { Masks, Matcher } from "../src/grammar/masks.ts";
import { loadModel } from "../src/models/load.ts";
import * as mx from "../src/mx/index.ts";
import { corpus, validator, type Real } from "../test/grammar/corpus.ts";
import { schemaForm, stopId, tokenizer, vocabulary } from "../test/grammar/walk.ts";
import { corpusAnswers } from "../test/helpers/corpus-answers.ts";
import { writeRandomCheckpoint } from "../test/helpers/random-checkpoint.ts";
import { dice } from "../test/helpers/sequences.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "1" } } });

/** Milliseconds: of compiling, of the first mask, of the longest later mask in two random texts. Undefined when refused. */
function times({ source, schema }: Real): number[] | undefined {
  const start = performance.now();
  try {
    const { automaton } = new GrammarCompiler(() => undefined).compile({ constraint: schemaForm(schema) }, []);
    const compile = performance.now() - start;
    const masks = new Masks(automaton, vocabulary, tokenizer.vocabSize);
    const first = elapsed(() => new Matcher(masks, [stopId]).allowed(false));
    return [compile, first, Math.max(longest(masks, 1), longest(masks, 2))];
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error;
    console.log(`refused,${source},${[...error.path, error.message].join(" ").replaceAll(",", ";")}`);
    return undefined;
  }
}

function elapsed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function longest(masks: Masks, seed: number): number {
  const { pick } = dice(seed);
  const matcher = new Matcher(masks, [stopId]);
  let worst = 0;
  for (let step = 0; step < 120; step++) {
    let mask: Uint8Array | undefined;
    worst = Math.max(
      worst,
      elapsed(() => (mask = matcher.allowed(false))),
    );
    const id = pick([...mask!.keys()].filter(at => mask![at] === 1));
    if (id === stopId) break;
    matcher.accept(id);
  }
  return worst;
}

const measured = corpus.map(each => ({ source: each.source, found: times(each) })).filter(({ found }) => found);
console.log(`enforced,${measured.length} of ${corpus.length}`);
["compile", "first mask", "longest mask"].forEach((what, i) => {
  const sorted = measured.map(({ source, found }) => ({ source, ms: found![i]! })).sort((a, b) => a.ms - b.ms);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!;
  console.log(`${what},median ${at(0.5).ms.toFixed(2)} ms,95 of 100 ${at(0.95).ms.toFixed(2)} ms,worst ${at(1).ms.toFixed(1)} ms (${at(1).source})`);
});
mx.openLibrary(join(import.meta.dir, "../.build/lib/mlx/lib", process.platform === "darwin" ? "libshim.dylib" : "libshim.so"), "auto");
const folder = mkdtempSync(join(tmpdir(), "pippin-schemas-"));
writeRandomCheckpoint(folder, tokenizer.vocabSize);
const model = loadModel(folder);
for (let round = 1; round <= Number(values.rounds); round++) {
  const answers = await corpusAnswers(model, corpus, round);
  const ended = answers.filter(({ finish }) => finish === "stop");
  const wrong = ended.flatMap(({ source, schema, text }) => {
    const reason = validator(schema)(JSON.parse(text));
    return reason === undefined ? [] : [`${source},${reason},${text.slice(0, 200)}`];
  });
  console.log(`round ${round},answers ${answers.length},ended ${ended.length},valid ${ended.length - wrong.length}`);
  wrong.forEach(line => console.log(`invalid,${line}`));
}
rmSync(folder, { recursive: true });
process.exit(0);
