// The lines that test/golden/make/vocabularies.py gave to the reference, and a comparison of what is made of them here with what it recorded.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./imports.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { characterLines, digest, makeLine, mulberry32 } from "./lines.ts";

export interface Recorded {
  readonly ids: readonly number[]; // a number for every 100 lines
  readonly texts?: readonly number[];
}

/** By vocabulary, then by corpus. */
export type Recording = Readonly<Record<string, Readonly<Record<CorpusName, Recorded>>>>;

export const corpusNames = ["seed 11", "seed 2026", "characters"] as const;
export type CorpusName = (typeof corpusNames)[number];

export const golden = join(root, "test/golden/tokenizers");

export function readGolden(name: string): unknown {
  return JSON.parse(readFileSync(join(golden, name), "utf8"));
}

const made = new Map<CorpusName, readonly string[]>();

export function corpus(name: CorpusName): readonly string[] {
  const lines = made.get(name) ?? makeCorpus(name);
  made.set(name, lines);
  return lines;
}

function makeCorpus(name: CorpusName): readonly string[] {
  if (name === "characters") return characterLines();
  const below = mulberry32(name === "seed 11" ? 11 : 2026);
  const texts = (readGolden("texts.json") as string[]).map(text => Array.from(text));
  return Array.from({ length: 10_000 }, () => makeLine(below, texts));
}

const GROUP = 100;

/** The groups of 100 lines whose ids, or whose texts made of these ids again, are not the reference's. */
export function differences(tokenizer: Tokenizer, name: CorpusName, recorded: Recorded): { ids: number[]; texts: number[] } {
  const ids = corpus(name).map(line => tokenizer.encode(line, { specialTokens: true }));
  const codes = ids.map(line => Array.from(tokenizer.decode(line, { skipSpecial: false }), character => character.codePointAt(0)!));
  return { ids: strange(ids, recorded.ids), texts: recorded.texts ? strange(codes, recorded.texts) : [] };
}

function strange(values: readonly Iterable<number>[], wanted: readonly number[]): number[] {
  if (wanted.length !== Math.ceil(values.length / GROUP)) throw new Error(`${wanted.length} groups were recorded for ${values.length} lines`);
  return wanted.flatMap((number, group) => {
    const own = values.slice(group * GROUP, (group + 1) * GROUP).flatMap(line => [...line, 0xffffffff]);
    return digest(own) === number ? [] : [group];
  });
}
