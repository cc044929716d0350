// Lookaheads at a pattern's beginning, the only place where they are a language beside the rest: ^(?!a)(?=b)c.

export interface Lookahead {
  readonly ahead: string; // a pattern of its own
  readonly wanted: boolean;
}

/** The pattern without them. Others stay where they are. */
export function splitLookaheads(pattern: string): { readonly main: string; readonly lookaheads: readonly Lookahead[] } {
  const lookaheads: Lookahead[] = [];
  let rest = pattern;
  while (/^\^\(\?[!=]/.test(rest)) {
    const end = closing(rest, 1);
    if (end === undefined || hasAlternatives(rest)) return { main: pattern, lookaheads: [] };
    lookaheads.push({ ahead: `^(?:${rest.slice(4, end)})`, wanted: rest[3] === "=" });
    rest = `^${rest.slice(end + 1)}`;
  }
  return { main: rest, lookaheads };
}

/** Where the group ends that begins at a place. */
function closing(pattern: string, open: number): number | undefined {
  let end: number | undefined;
  walk(pattern, open, (at, depth) => {
    if (depth > 0 || end !== undefined) return;
    end = at;
  });
  return end;
}

function hasAlternatives(pattern: string): boolean {
  let found = false;
  walk(pattern, 0, (at, depth) => (found ||= depth === 0 && pattern[at] === "|"));
  return found;
}

/** Each character that is neither escaped nor in a set, with the number of groups that are open behind it. */
function walk(pattern: string, from: number, visit: (at: number, depth: number) => void): void {
  let depth = 0;
  let inSet = false;
  for (let at = from; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === "\\") {
      at++;
      continue;
    }
    if (inSet) inSet = character !== "]";
    else {
      if (character === "[") inSet = true;
      if (character === "(") depth++;
      if (character === ")") depth--;
      visit(at, depth);
    }
  }
}
