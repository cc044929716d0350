// The command line as a user types it, run from the sources. Nothing here starts an engine.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { serveOptions } from "../../src/config.ts";
import { envName, flagName } from "../../src/cli/options.ts";
import { root } from "../helpers/imports.ts";

interface Run {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

async function pippin(...args: string[]): Promise<Run> {
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), ...args], {
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env.PATH },
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

describe("help", () => {
  test("fits on one screen and comes however it is asked for", async () => {
    const pages = await Promise.all([pippin(), pippin("--help"), pippin("-h"), pippin("help")]);
    for (const page of pages) expect(page).toEqual({ out: pages[0]!.out, err: "", code: 0 });
    const lines = pages[0]!.out.split("\n");
    expect(lines.length).toBeLessThan(40);
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(100);
  });

  test("of serve names every option with its variable, by section", async () => {
    const [asTopic, asFlag] = await Promise.all([pippin("help", "serve"), pippin("serve", "--port", "nonsense", "--help")]);
    expect(asFlag).toEqual(asTopic);
    for (const [key, { help }] of Object.entries(serveOptions)) {
      expect(asTopic.out).toContain(`  ${flagName(key)}`);
      expect(asTopic.out).toContain(envName(key));
      expect(asTopic.out.replace(/\s+/g, " ")).toContain(help);
    }
  });
});

test("the version is the package's", async () => {
  const { version } = (await Bun.file(join(root, "package.json")).json()) as { version: string };
  for (const flag of ["--version", "-V"]) expect(await pippin(flag)).toEqual({ out: `pippin ${version}\n`, err: "", code: 0 });
});

describe("a mistake is one line on stderr with an exit code, and no stack", () => {
  test.each([
    [["sevre"], 2, "error: sevre is not a command; did you mean 'pippin serve'?\n"],
    [["frob"], 2, "error: frob is not a command; 'pippin --help' lists them\n"],
    [["help", "frob"], 2, "error: frob is not a command; 'pippin --help' lists them\n"],
    [["serve", "--prot"], 2, "error: --prot is not an option; did you mean --port?\n"],
    [["engine"], 2, "error: engine is started by 'pippin serve' and not by hand\n"],
    [["serve", "/nowhere/model"], 3, "error: there is no model folder /nowhere/model\n"],
    [["serve", root], 3, `error: ${root} is not a model folder: it has no config.json\n`],
  ])("%j", async (args, code, err) => expect(await pippin(...args)).toEqual({ out: "", err, code }));
});
