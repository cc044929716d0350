// Unpacks what the executable carries into a folder named by its contents, once.
// Every file is checked by hash when it is written and by size at each later start; a folder that does not hold is made again.
// Safe when several start at once: each writes a folder of its own and renames it; the first wins and the others use its folder.
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { CliError, exitCodes } from "../cli/error.ts";
import type { Embedded, EmbeddedFile } from "./embedded.ts";

const UNFINISHED = ".unfinished-";
const ABANDONED_MS = 3_600_000; // an unfinished folder of that age belongs to a process that was killed

/** The folder that holds every file of `contents`, below `cache`. Throws CliError when it cannot be written. */
export async function unpack(contents: Embedded, cache: string): Promise<string> {
  const folder = join(cache, contents.id);
  try {
    if (isComplete(contents, folder)) return folder;
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    sweep(cache);
    const fresh = mkdtempSync(join(cache, UNFINISHED));
    try {
      for (const file of contents.files) await unpackFile(file, join(fresh, file.path));
      takePlace(contents, fresh, folder);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  } catch (error) {
    throw explain(error, contents, cache);
  }
  return folder;
}

function isComplete(contents: Embedded, folder: string): boolean {
  return contents.files.every(file => sizeOf(join(folder, file.path)) === file.bytes);
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

async function unpackFile(file: EmbeddedFile, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const hash = new Bun.CryptoHasher("sha256");
  const target = openSync(path, "wx");
  try {
    for await (const chunk of Bun.file(file.from).stream().pipeThrough(new DecompressionStream("zstd"))) {
      hash.update(chunk);
      for (let written = 0; written < chunk.length;) written += writeSync(target, chunk, written);
    }
  } finally {
    closeSync(target);
  }
  if (hash.digest("hex") !== file.sha256) throw new CliError(`this executable is damaged (${file.path}); download it again`, exitCodes.failed);
}

/** A whole folder of another process stays; a damaged one is moved aside first, because whoever uses its files keeps them open. */
function takePlace(contents: Embedded, fresh: string, folder: string): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      renameSync(fresh, folder);
      return;
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    if (isComplete(contents, folder)) return;
    const aside = mkdtempSync(join(dirname(folder), UNFINISHED));
    try {
      renameSync(folder, join(aside, "damaged"));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error; // another process moved it first
    }
    rmSync(aside, { recursive: true, force: true });
  }
  throw new CliError(`${folder} keeps changing; delete it and start again`, exitCodes.failed);
}

function isTaken(error: unknown): boolean {
  return ["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(codeOf(error) ?? "");
}

function sweep(cache: string): void {
  const unfinished = readdirSync(cache).filter(name => name.startsWith(UNFINISHED));
  for (const path of unfinished.map(name => join(cache, name))) {
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (made < Date.now() - ABANDONED_MS) rmSync(path, { recursive: true, force: true });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a file is in the way",
  ENOENT: "its parent cannot be made",
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

function explain(error: unknown, contents: Embedded, cache: string): unknown {
  const reason = reasons[codeOf(error) ?? ""];
  if (reason === undefined) return error;
  const megabytes = Math.ceil(contents.files.reduce((sum, file) => sum + file.bytes, 0) / 1e6);
  return new CliError(`cannot unpack ${megabytes} MB to ${cache}: ${reason}; set XDG_CACHE_HOME to a folder that can be written`, exitCodes.failed);
}
