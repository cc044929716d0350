// The header and the symbol table say the same, in both directions.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { scratchSize, table } from "../../src/mx/ffi.ts";
import { openForTests } from "../helpers/mx.ts";

const header = readFileSync(join(import.meta.dir, "../../shim/mxs.h"), "utf8").replace(/\/\/.*$/gm, "");

const kinds: Readonly<Record<string, string>> = {
  mxs_tensor: "i32",
  mxs_optional: "int",
  int32_t: "int32_t",
  double: "f64",
  "const char *": "cstring",
  "const void *": "ptr",
  "void *": "ptr",
};

function kind(type: string, where: string): string {
  const found = kinds[type];
  if (found === undefined) throw new Error(`${where}: the type ${type} has no place in this ABI`);
  return found;
}

function readDeclarations(): Record<string, { args: string[]; returns: string }> {
  const found: Record<string, { args: string[]; returns: string }> = {};
  for (const [, result, name, list] of header.matchAll(/MXS_API\s+([\w ]+?\*?)\s*(mxs_\w+)\(([^)]*)\);/g)) {
    const args = list === "void" ? [] : list!.split(",").map(arg => kind(/^(.*?)\w+$/.exec(arg.trim())![1]!.trim(), name!));
    found[name!] = { args, returns: kind(result!.trim(), name!) };
  }
  return found;
}

test("every function of mxs.h is in the table, with the same kinds of arguments and results, and nothing else is", () => {
  const declared = readDeclarations();
  const tabled = Object.fromEntries(Object.entries(table).map(([name, { args, returns }]) => [name, { args: [...args] as string[], returns }]));
  expect(Object.keys(tabled).sort()).toEqual(Object.keys(declared).sort());
  for (const [name, declaration] of Object.entries(declared)) expect<object>({ [name]: tabled[name] }).toEqual({ [name]: declaration });
});

test("no declaration of mxs.h is written in a way that this test overlooks", () => {
  expect(Object.keys(readDeclarations()).length).toBe([...header.matchAll(/^MXS_API/gm)].length);
});

test("both sides mean the same scratch buffer", () => {
  expect(header).toMatch(new RegExp(`#define MXS_SCRATCH ${scratchSize}\\s`));
});

test("the library has every function", () => {
  openForTests();
});
