// Temporary folders of the tests: all lie in one, which goes when the test process ends (bunfig.toml loads this file before the tests).
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "bun:test";

let place: string | undefined;

/** A new empty folder; whoever makes it need not remove it. */
export function temporaryFolder(name: string): string {
  if (place === undefined) {
    place = mkdtempSync(join(tmpdir(), "pippin-test-"));
    chmodSync(place, 0o755); // one test runs the executable as another user
  }
  return mkdtempSync(join(place, `${name}-`));
}

afterAll(() => {
  if (place !== undefined) rmSync(place, { recursive: true, force: true });
});
