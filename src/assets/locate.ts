// Where the native library and the built-in model are: in a checkout where make puts them, in the executable unpacked from it.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliError, exitCodes } from "../cli/error.ts";
import { cacheFolder } from "../config.ts";
import { embedded } from "./embedded.ts";
import { unpack } from "./unpack.ts";

export interface Assets {
  readonly libraryPath: string; // libshim, with MLX beside it
  readonly modelPath: string; // the built-in model's folder
}

/** Both paths exist afterwards. Throws CliError when they cannot be had. */
export async function locateAssets(): Promise<Assets> {
  if (embedded !== undefined) {
    const folder = await unpack(embedded, cacheFolder());
    return { libraryPath: join(folder, embedded.library), modelPath: join(folder, embedded.model) };
  }
  const root = resolve(import.meta.dir, "../..");
  const libraryPath = join(root, ".build/lib/mlx/lib", process.platform === "darwin" ? "libshim.dylib" : "libshim.so");
  if (!existsSync(libraryPath)) throw new CliError("the native library is not built yet; run 'make shim'", exitCodes.notFound);
  return { libraryPath, modelPath: join(root, "mini/checkpoint") };
}

/** How this program is started again, as an engine for instance. */
export function ownCommand(...args: readonly string[]): string[] {
  return embedded === undefined ? [process.execPath, Bun.main, ...args] : [process.execPath, ...args];
}

/** A module of this program by its path below src, for what is started by URL. In the executable all code stands at its root. */
export function ownModule(path: string): URL {
  return new URL(`${embedded === undefined ? "../" : "./"}${path}`, import.meta.url);
}
