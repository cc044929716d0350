// `make check` and `make test`: runs every step, even after a failure, and ends in one line "N passed, N failed".
// Files named behind the mode run alone.
// Before that line stand the tests that took longest.
// Which tests need MLX is read from their imports: those that reach src/mx. Those under test/e2e need the executable.
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chainTo, importGraph, root } from "./helpers/imports.ts";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly tests?: boolean; // a run of `bun test`, which counts for itself
}

const TEST_LIMIT_MS = 60_000; // of one test on a busy machine; a test that hangs still ends
const [SLOWEST, SLOW_SECONDS] = [15, 2]; // tests named at the end

const formatted = ["src", "test", "bench", "*.json", "*.md", "mini/README.md", "shim/README.md"];

const reports = join(root, ".build/test/reports", String(process.pid));

const bin = (name: string) => join("node_modules/.bin", name);

function testSteps(): { pure: string[]; tensors: string[]; e2e: string[] } {
  const graph = importGraph();
  const files = [...graph.keys()].filter(file => file.startsWith("test/") && file.endsWith(".test.ts"));
  const e2e = files.filter(file => file.startsWith("test/e2e/"));
  const tensors = files.filter(file => !e2e.includes(file) && chainTo(graph, file, path => path.startsWith("src/mx/")) !== undefined);
  return { pure: files.filter(file => !e2e.includes(file) && !tensors.includes(file)), tensors, e2e };
}

function bunTest(name: string, files: readonly string[]): Step[] {
  if (files.length === 0) return [];
  const report = ["--reporter=junit", `--reporter-outfile=${join(reports, `${name.replaceAll(/\W+/g, "-").slice(0, 60)}.xml`)}`];
  const options = ["--only-failures", `--timeout=${TEST_LIMIT_MS}`, ...report];
  return [{ name, command: [bin("bun"), "test", ...options, ...files.map(file => `./${file}`)], tests: true }];
}

function steps(mode: string, files: readonly string[]): Step[] {
  if (files.length > 0) return bunTest(files.join(" "), files);
  const { pure, tensors, e2e } = testSteps();
  return [
    {
      name: "format",
      command: [bin("prettier"), "--check", "--log-level=warn", "--cache", "--cache-location=.build/prettier", ...formatted],
    },
    { name: "types", command: [bin("tsc")] },
    ...bunTest("pure and HTTP tests", pure),
    ...(mode === "check"
      ? []
      : [
          { name: "shim under the address sanitizer", command: ["sh", "shim/asan.sh"], tests: true },
          // One process per folder: a crash in native code ends only its folder, and live handles count from none.
          ...[...Map.groupBy(tensors, file => file.split("/")[1]!)].flatMap(([folder, files]) => bunTest(`tensor tests: ${folder}`, files)),
          ...bunTest("tests of the executable", e2e),
        ]),
  ];
}

async function echo(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    process.stdout.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

function count(text: string, word: string): number {
  return Number([...text.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))].at(-1)?.[1] ?? 0);
}

/** Passed and failed of one step. A step that ends badly has failed at least once, whatever it counted. */
async function run(step: Step): Promise<[passed: number, failed: number]> {
  console.log(`\n== ${step.name}`);
  const started = performance.now();
  const child = Bun.spawn([...step.command], { cwd: root, stdout: "pipe", stderr: "pipe", stdin: "ignore", env: { ...process.env, NO_COLOR: "1" } });
  const [out, err, code] = await Promise.all([echo(child.stdout), echo(child.stderr), child.exited]);
  const bad = code === 0 ? 0 : 1;
  const passed = step.tests ? count(out + err, "pass") : 1 - bad;
  const failed = step.tests ? Math.max(bad, count(out + err, "fail")) : bad;
  console.log(`-- ${step.name}: ${passed} passed, ${failed} failed, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return [passed, failed];
}

/** A line per test that took long, the slowest first. */
function slowest(): string[] {
  const xml = readdirSync(reports).map(name => readFileSync(join(reports, name), "utf8"));
  const cases = [...xml.join("").matchAll(/<testcase name="([^"]*)"[^>]* time="([^"]*)" file="([^"]*)"/g)];
  return cases
    .map(([, name, seconds, file]) => ({ name: name!.slice(0, 90), seconds: Number(seconds), file: file! }))
    .filter(({ seconds }) => seconds > SLOW_SECONDS)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST)
    .map(({ name, seconds, file }) => `${seconds.toFixed(1).padStart(6)} s  ${file}: ${name}`);
}

mkdirSync(reports, { recursive: true });
const total = { passed: 0, failed: 0 };
const [mode = "all", ...files] = process.argv.slice(2);
for (const step of steps(mode, files)) {
  const [passed, failed] = await run(step);
  total.passed += passed;
  total.failed += failed;
}
const slow = slowest();
rmSync(reports, { recursive: true });
if (slow.length > 0) console.log(`\n== slowest tests\n${slow.join("\n")}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
