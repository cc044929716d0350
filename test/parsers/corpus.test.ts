import { describe, expect, test } from "bun:test";
import { findReasoningFormat, findToolFormat } from "../../src/parsers/registry.ts";
import type { Piece } from "../../src/parsers/types.ts";
import { corpusTools, describePieces, readCorpus, reasoningOf, type Case } from "./corpus.ts";
import { cuts } from "./cuts.ts";

const noHints = { template: "", hasToken: () => false };

/** The text with its markers as tokens of their own: tokens are never cut. */
function findTokens(text: string, tokens: readonly string[]): { readonly at: number; readonly token: string }[] {
  const longest = tokens.toSorted((a, b) => b.length - a.length);
  const found: { at: number; token: string }[] = [];
  for (let at = 0; at < text.length; at++) {
    const token = longest.find(each => text.startsWith(each, at));
    if (token === undefined) continue;
    found.push({ at, token });
    at += token.length - 1;
  }
  return found;
}

function withTokens(pieces: readonly string[], found: readonly { readonly at: number; readonly token: string }[]): Piece[] {
  const out: Piece[] = [];
  let start = 0;
  for (const piece of pieces) {
    const end = start + piece.length;
    let from = start;
    for (const { at, token } of found) {
      if (at + token.length <= start || at >= end) continue;
      if (at > from) out.push({ text: piece.slice(from - start, at - start), token: false });
      if (at >= start) out.push({ text: token, token: true });
      from = at + token.length;
    }
    if (from < end) out.push({ text: piece.slice(from - start), token: false });
    start = end;
  }
  return out;
}

function* allCuts(each: Case, markers: readonly string[]): Generator<{ pieces: Piece[]; tokens: ReadonlySet<string> }> {
  const found = findTokens(each.raw, markers);
  const plain = (pieces: readonly string[]) => pieces.map(text => ({ text, token: false }));
  for (const pieces of cuts(each.raw, 20)) {
    if (each.flags.has("spelled")) yield { pieces: plain(pieces), tokens: new Set(markers) };
    else {
      yield { pieces: plain(pieces), tokens: new Set() };
      yield { pieces: withTokens(pieces, found), tokens: new Set(markers) };
    }
  }
}

for (const [format, cases] of readCorpus()) {
  describe(`outputs in the format ${format} are read the same in every cut`, () => {
    const tools = findToolFormat(format, noHints)!;
    const reasoning = findReasoningFormat(reasoningOf(format), noHints)!;
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
