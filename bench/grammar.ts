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

/** One engine that stays, so that later passes find what earlier ones have worked out, as in a server. */
class Engine {
  private readonly loaded = loadModel(folder);
  private readonly runner = new Runner(this.loaded.model);
  private readonly loop: EngineLoop;
  private readonly counts = new Map<number, number>();
  private ended = 0;
  private wake = () => {};
  private nextId = 1;

  constructor() {
    const { model, info } = this.loaded;
    this.loop = new EngineLoop(this.runner, {
      limits: { maxRows: 8, maxQueue: 64, prefillChunk: 512, contextLength: info.contextLength },
      vocabSize: model.vocabSize,
      deviceStats: () => ({ liveHandles: 0, activeBytes: 0, peakBytes: 0, cacheBytes: 0 }),
      send: message => {
        if (message.type !== "step") return;
        for (const row of message.rows) {
          this.counts.set(row.id, (this.counts.get(row.id) ?? 0) + row.ids.length);
          if (row.finish !== undefined && ++this.ended % 8 === 0) this.wake();
        }
      },
    });
    this.loop.receive(readVocabulary(tokenizer));
    void this.loop.run();
  }

  /** Tokens a second of the rows that are free, or of all where none is, while the others of eight are held to a schema. */
  async speed(held: number): Promise<number> {
    const first = this.nextId;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.wake = resolve;
    const start = performance.now();
    for (let row = 0; row < 8; row++) {
      const id = this.nextId++;
      const submit: Submit = {
        type: "submit",
        id,
        prompt: Uint32Array.of(1, 2, 3),
        sampling: { ...greedy, temperature: 1, seed: id },
        maxTokens: Number(values.steps),
        minTokens: 0,
        stopIds: [],
      };
      this.loop.receive(row < held ? { ...submit, grammar, stopIds: [stop] } : submit);
    }
    await promise;
    const seconds = (performance.now() - start) / 1000;
    const from = held === 8 ? 0 : held;
    const drawn = Array.from({ length: 8 - from }, (_, i) => this.counts.get(first + from + i) ?? 0).reduce((a, b) => a + b, 0);
    return drawn / seconds / (8 - from);
  }
}

const grammar = compile({ type: "array", items: person, minItems: 50 });

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
const engine = new Engine();
await engine.speed(0);
for (let round = 1; round <= 5; round++) {
  const [free, one, all] = [await engine.speed(0), await engine.speed(1), await engine.speed(8)];
  console.log(`round ${round} tokens/s a row: 8 free,${free.toFixed(1)},tokens/s`);
  console.log(`round ${round} tokens/s a free row beside 1 held,${one.toFixed(1)},tokens/s (${(one / free).toFixed(3)})`);
  console.log(`round ${round} tokens/s a row: 8 held,${all.toFixed(1)},tokens/s (${(all / free).toFixed(3)})`);
}
process.exit(0);
