// What enforced output costs: compiling a schema, one mask, and the speed of free rows beside a row that is held.
// bun bench/grammar.ts [--pieces 150000] [--steps 100]; needs `make shim` for the last part. Prints CSV.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EngineLoop } from "../src/engine/loop.ts";
import type { Grammar, Submit, Vocabulary } from "../src/engine/protocol.ts";
import { Runner } from "../src/engine/runner.ts";
import { GrammarCompiler } from "../src/grammar/compile.ts";
import { Masks, Matcher } from "../src/grammar/masks.ts";
import { readVocabulary } from "../src/grammar/trie.ts";
import { loadModel } from "../src/models/load.ts";
import * as mx from "../src/mx/index.ts";
import { openTokenizer } from "../src/tokenizer/load.ts";
import { greedy } from "../src/sampling/greedy.ts";

const { values } = parseArgs({ options: { pieces: { type: "string", default: "150000" }, steps: { type: "string", default: "100" } } });
const folder = join(import.meta.dir, "../mini/checkpoint");
const tokenizer = openTokenizer(folder);
const stop = tokenizer.addedId("<|im_end|>")!;

const person = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 40 },
    age: { type: "integer", minimum: 0, maximum: 130 },
    email: { type: "string", format: "email" },
    tags: { type: "array", items: { enum: ["red", "green", "blue"] }, maxItems: 5 },
    friends: { type: "array", items: { $ref: "#" }, maxItems: 3 },
  },
  required: ["name", "age", "tags"],
  additionalProperties: false,
};

function compile(schema: unknown): Grammar {
  return new GrammarCompiler(() => undefined).compile({ constraint: { type: "json-schema", field: "f", schema } }, []);
}

/** A vocabulary of that many pieces: the built-in model's, and joins of them. */
function grown(pieces: number): { readonly vocabulary: Vocabulary; readonly size: number; readonly ms: number } {
  const own = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.piece(id).bytes);
  const bytes = [...own];
  for (let i = 0; bytes.length < pieces; i++) bytes.push(Buffer.concat([own[(i * 7919) % own.length]!, own[(i * 104_729 + 13) % own.length]!]));
  const start = performance.now();
  const vocabulary = readVocabulary({
    vocabSize: bytes.length,
    has: () => true,
    piece: id => ({ bytes: bytes[id]! }),
    isAdded: id => tokenizer.isAdded(id),
  });
  return { vocabulary, size: bytes.length, ms: performance.now() - start };
}

/** Mean and worst time of a mask, in milliseconds, over random texts: the first one learns, the later ones look up. */
function masks(vocabulary: Vocabulary, size: number): number[][] {
  const known = new Masks(compile(person).automaton, vocabulary, size);
  return [1, 2, 3].map(seed => {
    const matcher = new Matcher(known, [stop]);
    const times: number[] = [];
    for (let step = 0; step < Number(values.steps); step++) {
      const start = performance.now();
      const mask = matcher.allowed(false);
      times.push(performance.now() - start);
      if (!mask) break;
      let id = (seed * 7919 + step * 104_729) % size;
      while (mask[id] !== 1) id = (id + 1) % size;
      if (id === stop) break;
      matcher.accept(id);
    }
    return [times.reduce((a, b) => a + b) / times.length, Math.max(...times)];
  });
}

/** Tokens a second of the free rows, while `held` further rows are held to a schema. */
async function freeSpeed(free: number, held: number): Promise<number> {
  const { model, info, weights } = loadModel(folder);
  const counts = new Map<number, number>();
  const marks: number[] = [];
  const runner = new Runner(model);
  const loop = new EngineLoop(runner, {
    limits: { maxRows: free + held, maxQueue: 64, prefillChunk: 512, contextLength: info.contextLength },
    vocabSize: model.vocabSize,
    deviceStats: () => ({ liveHandles: 0, activeBytes: 0, peakBytes: 0, cacheBytes: 0 }),
    send: message => {
      if (message.type !== "step") return;
      marks.push(performance.now());
      for (const row of message.rows) counts.set(row.id, (counts.get(row.id) ?? 0) + row.ids.length);
    },
  });
  const submit = (id: number): Submit => ({
    type: "submit",
    id,
    prompt: Uint32Array.of(1, 2, 3),
    sampling: { ...greedy, temperature: 1, seed: id },
    maxTokens: Number(values.steps),
    minTokens: 0,
    stopIds: [],
  });
  loop.receive(readVocabulary(tokenizer));
  const grammar = compile({ type: "array", items: person, minItems: 50 });
  for (let id = 1; id <= free + held; id++) loop.receive(id <= free ? submit(id) : { ...submit(id), grammar, stopIds: [stop] });
  loop.receive({ type: "drain" });
  await loop.run();
  const seconds = (marks.at(-1)! - marks[3]!) / 1000;
  const drawn = Array.from({ length: free }, (_, i) => counts.get(i + 1) ?? 0).reduce((a, b) => a + b, 0);
  runner.reset();
  weights.release();
  return drawn / seconds / free;
}

console.log("what,value,unit");
const times = Array.from({ length: 20 }, () => {
  const start = performance.now();
  compile(person);
  return performance.now() - start;
});
console.log(`compile first,${times[0]!.toFixed(2)},ms\ncompile median,${times.toSorted((a, b) => a - b)[10]!.toFixed(2)},ms`);
for (const pieces of [tokenizer.vocabSize, Number(values.pieces)]) {
  const { vocabulary, size, ms } = grown(pieces);
  console.log(`tree of ${size} pieces,${ms.toFixed(1)},ms`);
  masks(vocabulary, size).forEach(([mean, worst], i) =>
    console.log(`mask of ${size} text ${i + 1} mean,${mean!.toFixed(3)},ms\nmask of ${size} text ${i + 1} worst,${worst!.toFixed(2)},ms`),
  );
  console.log(`memory with ${size},${(process.memoryUsage().rss / 2 ** 20).toFixed(0)},MiB`);
}
mx.openLibrary(join(import.meta.dir, "../.build/lib/mlx/lib", process.platform === "darwin" ? "libshim.dylib" : "libshim.so"), "auto");
for (let round = 1; round <= 3; round++) {
  console.log(`round ${round} tokens/s per free row: 8 free,${(await freeSpeed(8, 0)).toFixed(1)},tokens/s`);
  console.log(`round ${round} tokens/s per free row: 7 free and 1 held,${(await freeSpeed(7, 1)).toFixed(1)},tokens/s`);
}
