// What a model with random weights answers under the corpus' schemas: the real engine, the real tokenizer, temperature 1.
import type { Automaton, Submit } from "../../src/engine/protocol.ts";
import { GrammarError } from "../../src/grammar/error.ts";
import { GrammarCompiler } from "../../src/grammar/compile.ts";
import type { LoadedModel } from "../../src/models/load.ts";
import type { Real } from "../grammar/corpus.ts";
import { closers, schemaForm, stopId, tokenizer, vocabulary } from "../grammar/walk.ts";
import { MemoryEngine } from "./memory-engine.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { submission } from "./sequences.ts";

export interface CorpusAnswer {
  readonly source: string;
  readonly schema: object;
  readonly text: string;
  readonly finish: string | undefined;
}

const MOST = 900; // ids of an answer, of the 1,024 that the model has room for
const HASTE = 3; // added to what closes a part: random weights write long texts

/** One answer for each schema that is enforced, eight at a time, of a model with the tokenizer's vocabulary. */
export async function corpusAnswers(loaded: LoadedModel, schemas: readonly Real[], seed: number): Promise<CorpusAnswer[]> {
  const engine = new MemoryEngine(loaded, { maxRows: 8, prefillChunk: 64 });
  engine.loop.receive(vocabulary);
  const asked = schemas.flatMap((each, i): { readonly each: Real; readonly submit: Submit }[] => {
    const grammar = compiled(each.schema);
    const sampling = { ...greedy, temperature: 1, seed: seed * 10_000 + i, logitBias: [...closers].map(id => [id, HASTE] as const) };
    const prompt = Uint32Array.from({ length: 5 + (i % 20) }, (_, at) => (i * 31 + at * 7) % tokenizer.vocabSize);
    return grammar ? [{ each, submit: submission(i + 1, { prompt, sampling, grammar, stopIds: [stopId], maxTokens: MOST }) }] : [];
  });
  asked.forEach(({ submit }) => engine.loop.receive(submit));
  await engine.finish();
  return asked.map(({ each: { source, schema }, submit }) => {
    const { ids, finish } = engine.answer(submit.id);
    const text = tokenizer.decode(
      ids.filter(id => id !== stopId),
      { skipSpecial: false },
    );
    return { source, schema, finish, text };
  });
}

function compiled(schema: object): { readonly key: string; readonly automaton: Automaton } | undefined {
  try {
    return new GrammarCompiler(() => undefined).compile({ constraint: schemaForm(schema) }, []);
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw error;
  }
}
