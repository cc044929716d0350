import { describe, expect, test } from "bun:test";
import { findReasoningFormat, findToolFormat } from "../../src/parsers/registry.ts";
import type { Piece } from "../../src/parsers/types.ts";
import { corpusTools, describePieces, readCorpus, type Case } from "./corpus.ts";
import { cuts } from "./cuts.ts";

const noHints = { template: "", hasToken: () => false };
const reasoningOf: Readonly<Record<string, string>> = { harmony: "harmony", mistral: "mistral", gemma4: "gemma4", seed_oss: "seed_oss" };

/** The pieces, with the markers as tokens of their own wherever they stand: tokens are never cut. */
function withTokens(pieces: readonly string[], tokens: readonly string[]): Piece[] {
  const text = pieces.join("");
  const borders = new Set(pieces.map((_, i) => pieces.slice(0, i).join("").length));
  const longest = tokens.toSorted((a, b) => b.length - a.length);
  const out: Piece[] = [];
  for (let at = 0, fresh = true; at < text.length;) {
    const token = longest.find(each => text.startsWith(each, at));
    if (token !== undefined) {
      out.push({ text: token, token: true });
      at += token.length;
      fresh = true;
      continue;
    }
    if (fresh || borders.has(at)) out.push({ text: "", token: false });
    out[out.length - 1] = { text: out.at(-1)!.text + text.charAt(at++), token: false };
    fresh = false;
  }
  return out;
}

function* allCuts(each: Case, markers: readonly string[]): Generator<{ pieces: Piece[]; tokens: ReadonlySet<string> }> {
  const plain = (pieces: readonly string[]) => pieces.map(text => ({ text, token: false }));
  for (const pieces of cuts(each.raw, 25)) {
    if (each.flags.has("spelled")) yield { pieces: plain(pieces), tokens: new Set(markers) };
    else {
      yield { pieces: plain(pieces), tokens: new Set() };
      yield { pieces: withTokens(pieces, markers), tokens: new Set(markers) };
    }
  }
}

for (const [format, cases] of readCorpus()) {
  describe(`outputs in the format ${format} are read the same in every cut`, () => {
    const tools = findToolFormat(format, noHints)!;
    const reasoning = findReasoningFormat(reasoningOf[format] ?? "think", noHints)!;
    for (const each of cases) {
      test(each.name, () => {
        for (const { pieces, tokens } of allCuts(each, [...new Set([...tools.markers, ...reasoning.markers])])) {
          const machines = [tools.open({ tokens, tools: corpusTools }), reasoning.open({ tokens, startsOpen: each.flags.has("open") })] as const;
          const found = describePieces(pieces, ...machines);
          if (found.join("\n") !== each.expected.join("\n")) expect({ pieces, found }).toEqual({ pieces, found: [...each.expected] });
        }
        expect(each.expected.length).toBeGreaterThan(0);
      });
    }
  });
}
