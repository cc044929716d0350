// Opens MLX for tests, on the CPU. `.build/lib` is the back end that the Makefile chose.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { openLibrary } from "../../src/mx/index.ts";

const root = join(import.meta.dir, "../..");
const folders = ["lib", "mlx-cpu"];

export function openForTests(): void {
  const path = process.env["PIPPIN_TEST_SHIM"] ?? folders.map(folder => join(root, ".build", folder, "mlx/lib/libshim.so")).find(existsSync);
  if (path === undefined) throw new Error("no libshim.so under .build: run make first");
  openLibrary(path, "cpu");
}
