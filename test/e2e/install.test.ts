// The executable alone, in an empty folder of somebody who has nothing else.
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../helpers/server.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const nobody = 65534;
const asNobody = process.getuid?.() === 0 && Bun.which("setpriv") !== null;
const command = asNobody ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : [];

let place: string; // one folder for all tests, with the executable's copy
beforeAll(() => {
  place = temporaryFolder("install");
  chmodSync(place, 0o755);
  copyFileSync(executable, join(place, "pippin"));
  chmodSync(join(place, "pippin"), 0o755);
});

function emptyHome(): string {
  const home = mkdtempSync(join(place, "home-"));
  if (asNobody) chownSync(home, nobody, nobody);
  return home;
}

interface Run {
  readonly lines: string[];
  readonly code: number;
}

/** Serves until the address is printed, then ends; or runs to the end by itself. */
async function serve(home: string, env: Record<string, string> = {}): Promise<Run> {
  const child = Bun.spawn([...command, join(place, "pippin"), "serve", "--port", "0"], {
    cwd: home,
    env: { HOME: home, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    if (/^ *address .*\n/m.test(out)) child.kill("SIGTERM");
  }
  out += await child.stderr.text();
  return { lines: out.split("\n").filter(line => line.trim() !== ""), code: await child.exited };
}

function cachedFiles(home: string): string[] {
  const cache = join(home, ".cache/pippin");
  return readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
}

describe("the executable alone", () => {
  test("serves its built-in model and writes only to its cache folder", async () => {
    const home = emptyHome();
    const { lines, code } = await serve(home);
    expect(lines.join("\n")).toMatch(/address +http:\/\/127\.0\.0\.1:\d+/);
    expect(code).toBe(0);
    expect(readdirSync(home)).toEqual([".cache"]);
    expect(readdirSync(join(home, ".cache/pippin"))).toHaveLength(1);
  });

  test("unpacks once", async () => {
    const home = emptyHome();
    await serve(home);
    const stamps = () => cachedFiles(home).map(file => [file, statSync(file).ino, statSync(file).mtimeMs]);
    const before = stamps();
    await serve(home);
    expect(stamps()).toEqual(before);
  });

  test("repairs a damaged cache", async () => {
    const home = emptyHome();
    await serve(home);
    const [first, second, ...rest] = cachedFiles(home);
    rmSync(first!);
    truncateSync(second!, 10);
    expect((await serve(home)).code).toBe(0);
    expect(cachedFiles(home)).toEqual([first!, second!, ...rest]);
    expect(statSync(second!).size).toBeGreaterThan(10);
    expect(readdirSync(join(home, ".cache/pippin"))).toHaveLength(1);
  });

  test("may be started several times at once on an empty cache", async () => {
    const home = emptyHome();
    const runs = await Promise.all([serve(home), serve(home), serve(home)]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(readdirSync(join(home, ".cache/pippin"))).toHaveLength(1);
  });

  test("says in one line when it cannot unpack", async () => {
    const home = emptyHome();
    writeFileSync(join(home, ".cache"), "in the way");
    const { lines, code } = await serve(home);
    expect(lines).toEqual([expect.stringMatching(/^error: cannot unpack \d+ MB to .*\.cache\/pippin: a file is in the way; set XDG_CACHE_HOME/)]);
    expect(code).toBe(1);
    mkdirSync(join(home, "other"), { mode: 0o777 });
    chmodSync(join(home, "other"), 0o777);
    expect((await serve(home, { XDG_CACHE_HOME: join(home, "other") })).code).toBe(0);
  });

  test.if(asNobody)("says in one line when its cache folder may not be written", async () => {
    const home = mkdtempSync(join(place, "home-"));
    chmodSync(home, 0o755);
    const { lines, code } = await serve(home);
    expect(lines).toEqual([expect.stringMatching(/^error: cannot unpack .*: permission denied; set XDG_CACHE_HOME/)]);
    expect(code).toBe(1);
  });
});
