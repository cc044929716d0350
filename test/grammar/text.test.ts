// Regexes, choices and grammars: which texts they allow, and what is refused.
import { describe, expect, test } from "bun:test";
import { GrammarError } from "../../src/grammar/error.ts";
import { allows, constrained, walk } from "./walk.ts";

const regex = (pattern: string) => constrained({ type: "regex", field: "regex", pattern });
const grammar = (text: string) => constrained({ type: "grammar", field: "grammar", text });

describe("a regex matches the whole text", () => {
  test.each([
    ["a|bc", ["a", "bc"], ["", "b", "abc"]],
    ["^ab$", ["ab"], ["aab"]],
    ["\\Aab\\z", ["ab"], ["aab"]],
    ["^a|b$", ["a", "b"], ["ab"]],
    ["a.c", ["abc", "aéc", "a😀c"], ["ac", "a\nc"]],
    ["[^a-c]{2}", ["xy", "é😀"], ["ax", "xyz"]],
    ["[\\]\\-a]+", ["]-a"], ["b"]],
    ["[a-]+", ["a-a"], ["b"]],
    ["(?:x|(?<n>y))?z{2,3}", ["zz", "xzzz", "yzz"], ["z", "xyzz"]],
    ["(?P<n>y)z*?", ["y", "yzz"], ["z"]],
    ["\\d+\\.\\d{2}", ["12.34"], ["12.3", ".34"]],
    ["\\w\\s\\W", ["a !", "_\t-"], ["a b"]],
    ["\\x41\\u0042\\u{1F600}\\cA", ["AB😀\u0001"], ["AB😀"]],
    ["\\ud83d\\ude00", ["😀"], ["x"]],
    ["\\p{Lu}\\P{L}", ["Ä1"], ["ä1", "ÄB"]],
    ["a{,2}", ["a{,2}"], ["a"]],
    ["", [""], ["a"]],
    ["(a+)+$", ["a", "aaaa"], ["b"]],
    ["(a|aa)*", ["", "aaaaa"], ["b"]],
    ["\\/\\.\\*", ["/.*"], ["/aa"]],
  ] as const)("%p", (pattern, good, bad) => {
    const masks = regex(pattern);
    for (const text of good) expect([text, allows(masks, text)]).toEqual([text, true]);
    for (const text of bad) expect([text, allows(masks, text)]).toEqual([text, false]);
  });

  test("what is drawn under it matches it", () => {
    for (const pattern of [
      "[a-z]{1,8}@(foo|bar)\\.com",
      "(\\d{3}-){2}\\d{4}",
      "(yes|no)( (yes|no)){0,3}",
      "[äöü€]{3}|\\p{Greek}{2}".replace("\\p{Greek}", "[α-ω]"),
    ])
      for (let seed = 0; seed < 10; seed++) expect(walk(regex(pattern), seed).text).toMatch(new RegExp(`^(?:${pattern})$`, "u"));
  });

  test.each([
    "(",
    ")",
    "[a",
    "a{3,1}",
    "(?<=a)b",
    "(?!a)",
    "\\1",
    "(?i)a",
    "a++",
    "\\bfoo",
    "\\p{Nothing}",
    "^*",
    "\\u{110000}",
    "(a|b)*a(a|b){40}",
    "(".repeat(300) + "a" + ")".repeat(300),
  ])("%p is refused", pattern => expect(() => regex(pattern)).toThrow(GrammarError));
});

test("a choice allows its texts and nothing else, also where one begins like another", () => {
  const masks = constrained({ type: "choice", field: "choice", choices: ["red", "reddish", "grün", "]x"] });
  for (const text of ["red", "reddish", "grün", "]x"]) expect(allows(masks, text)).toBe(true);
  for (const text of ["", "re", "reddi", "redred"]) expect(allows(masks, text)).toBe(false);
  expect(new Set(Array.from({ length: 40 }, (_, seed) => walk(masks, seed).text)).size).toBe(4);
});

describe("a grammar", () => {
  const ebnf = `
    # a comment
    root ::= "SELECT " columns " FROM " name (" WHERE " condition)?
    columns ::= name ("," " "? name)* | "*"
    condition ::= name " " [<>=] " " ("-"? [0-9]{1,3} | "\\"" [^"\\n]* "\\"")
    name ::= [a-z_] [a-z0-9_-]{0,5}
  `;
  const lark = `
    start: sum
    ?sum: sum "+" product -> add   // left-recursive, as people write it
        | product
    product: product "*" atom | atom
    atom: NUMBER | "(" sum ")" | WORD~1..2 ["!"] | "a".."c" "?"i
    %import common.INT -> NUMBER
    WORD.2: /x[yz]+/
  `;

  test.each([
    [
      ebnf,
      ["SELECT * FROM t", "SELECT a, b-1 FROM t WHERE c = -12", 'SELECT a FROM t WHERE c < "x y"'],
      ["SELECT", "SELECT a,, FROM t", "select * FROM t"],
    ],
    [lark, ["1", "1+2*3", "(1+xy)*2", "xzxy!", "b?", "((7))"], ["", "1+", "(1", "d?", "x"]],
    ['root ::= "a" root "b" | ""', ["", "ab", "aaabbb"], ["a", "aab", "ba"]],
    ['root ::= (\n "x"\n | "y" .\n)+ # over lines', ["x", "yéx"], ["y"]],
    ['start: "é" ["ß"] /[^a]/ "\\u20ac"', ["éx€", "éßx€"], ["éa€"]],
    ['start: A (B | A)*\nA: "a"i\nB: "\\n"', ["aA\na"], ["b"]],
    ["start: WORD\n%import common (WORD, INT)", ["abc"], ["1"]],
  ] as const)("%s", (text, good, bad) => {
    const masks = grammar(text);
    for (const each of good) expect([each, allows(masks, each)]).toEqual([each, true]);
    for (const each of bad) expect([each, allows(masks, each)]).toEqual([each, false]);
  });

  test.each([
    ["", /no rule/],
    ['other ::= "a"', /no rule "root"/],
    ['other: "a"', /no rule "start"/],
    ["root ::= missing", /uses "missing"/],
    ['root ::= "a', /line 1/],
    ['root ::= "a"\nroot ::= "b"', /defined twice/],
    ['root ::= ("a"', /expected/],
    ['root ::= a "x"\na ::= b\nb ::= a | "c"', /left-recursive/],
    ["root ::= root", /nothing/],
    ['root ::= "a" root', /nothing that ends/],
    ['start: A\nA: "a"\n%ignore " "', /%ignore cannot be enforced/],
    ["start: A\n%import other.A", /not known/],
    ["start: /a/i", /flags/],
    ["start: /(?=a)b/", /lookaround/],
    [`root ::= ${"(".repeat(200)}"a"${")".repeat(200)}`, /nested too deeply/],
    [`root ::= ${Array.from({ length: 200_000 }, (_, i) => `"word ${i}"`).join(" | ")}`, /too large/],
  ] as const)("%p is refused: %p", (text, reason) => {
    expect(() => grammar(text)).toThrow(reason);
  });
});
