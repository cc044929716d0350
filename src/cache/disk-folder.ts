// The folder of the disk tier: DIR/<store>/<key>.kv, one file per block, one folder per model and layout. The files are the
// index: what is there under its name is whole, because it got its name when it was. Names are digests, so no name from
// outside becomes a path. What has another name, or is a link, is a stranger's: not read, not counted, not deleted.
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { lstat, mkdir, open, readdir, realpath, rename, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../util/message-of.ts";

/** The folder cannot be used; the message names it. */
export class DiskError extends Error {
  override name = "DiskError";
}

export interface StoredFile {
  readonly store: string;
  readonly key: string;
  readonly bytes: number;
  readonly usedAt: number; // milliseconds
}

const STORE = /^[0-9a-f]{32}$/;
const BLOCK = /^([0-9a-f]{64})\.kv$/;
const UNFINISHED = /^[0-9a-f]{64}\.(\d+)\.tmp$/; // with the writer's process id

export class DiskFolder {
  private constructor(private readonly path: string) {}

  /** Makes the folder when it is not there; only its owner may read it, because blocks spell out conversations. Throws DiskError. */
  static async open(path: string, store: string): Promise<DiskFolder> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const real = await realpath(path);
      const own = join(real, store);
      await mkdir(own, { mode: 0o700 }).catch(error => {
        if (error.code !== "EEXIST") throw error;
      });
      if (!(await lstat(own)).isDirectory()) throw new DiskError(`${own} is no folder, and the store of this model belongs there`);
      return new DiskFolder(real);
    } catch (error) {
      if (error instanceof DiskError) throw error;
      throw new DiskError(`${path} cannot hold stored prefixes: ${messageOf(error)}`);
    }
  }

  /** All blocks of all stores. Deletes what writers left that are no more. */
  async scan(): Promise<StoredFile[]> {
    const found: StoredFile[] = [];
    for (const folder of await readdir(this.path, { withFileTypes: true })) {
      if (!folder.isDirectory() || !STORE.test(folder.name)) continue;
      for (const entry of await readdir(join(this.path, folder.name), { withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(this.path, folder.name, entry.name);
        const writer = UNFINISHED.exec(entry.name)?.[1];
        if (writer !== undefined && !isAlive(Number(writer))) await unlink(path).catch(ignoreMissing);
        const key = BLOCK.exec(entry.name)?.[1];
        const stat = key === undefined ? undefined : await lstat(path).catch(ignoreMissing);
        if (key !== undefined && stat?.isFile()) found.push({ store: folder.name, key, bytes: stat.size, usedAt: stat.mtimeMs });
      }
    }
    return found;
  }

  /** The whole file; empty when it has another size, undefined when it is not there (any more), or no file. */
  read(store: string, key: string, bytes: number): Uint8Array<ArrayBuffer> | undefined {
    let file: number | undefined;
    try {
      file = openSync(this.file(store, key), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const stat = fstatSync(file);
      if (!stat.isFile()) return undefined;
      return stat.size === bytes ? new Uint8Array(readFileSync(file)) : new Uint8Array();
    } catch {
      return undefined; // a block that cannot be read is a block that must be computed
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** The file has its name only when all of it is on the disk. */
  async write(store: string, key: string, bytes: Uint8Array): Promise<void> {
    const unfinished = join(this.path, store, `${key}.${process.pid}.tmp`);
    await unlink(unfinished).catch(ignoreMissing);
    try {
      const file = await open(unfinished, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(unfinished, this.file(store, key));
    } catch (error) {
      await unlink(unfinished).catch(ignoreMissing);
      throw error;
    }
  }

  /** Notes in the file when it was used, in milliseconds. */
  async setTime(store: string, key: string, milliseconds: number): Promise<void> {
    await utimes(this.file(store, key), milliseconds / 1000, milliseconds / 1000).catch(ignoreMissing);
  }

  async delete(store: string, key: string): Promise<void> {
    await unlink(this.file(store, key)).catch(ignoreMissing);
  }

  private file(store: string, key: string): string {
    if (!STORE.test(store) || !BLOCK.test(`${key}.kv`)) throw new TypeError("a store or a block has no digest for its name");
    return join(this.path, store, `${key}.kv`);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
