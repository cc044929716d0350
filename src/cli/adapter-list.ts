// What --adapter-path lists: NAME=FOLDER, or FOLDER, whose own name it then is.
import { basename, resolve } from "node:path";
import type { ServeConfig } from "../config.ts";
import { usageError } from "./error.ts";

type Listed = Pick<ServeConfig, "adapterPath">;

export function adapterFolders({ adapterPath }: Listed): string[] {
  return adapterPath.map(item => resolve(split(item).folder));
}

/** As clients write them behind the model's name and a colon. Throws CliError for names that cannot be told apart or written. */
export function adapterNames({ adapterPath }: Listed): string[] {
  const names = adapterPath.map(item => split(item).name);
  for (const [i, name] of names.entries()) {
    if (!/^[\w.-]+$/.test(name)) throw usageError(`--adapter-path: ${JSON.stringify(name)} is no name; letters, digits, _, . and - are`);
    if (names.indexOf(name) < i) throw usageError(`--adapter-path: two adapters are named ${name}; write NAME=FOLDER`);
  }
  return names;
}

function split(item: string): { name: string; folder: string } {
  const at = item.indexOf("=");
  return at < 0 ? { name: basename(resolve(item)), folder: item } : { name: item.slice(0, at), folder: item.slice(at + 1) };
}
