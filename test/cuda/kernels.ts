// Kernels built for the CPU: a program of this folder is compiled with the emulator and answers one line for each case.
import { expect } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../helpers/temporary.ts";

/** MLX's CUDA back end runs nowhere else, and the emulator needs its contexts. */
export const linux = process.platform === "linux";

const FLAGS = ["-std=c++20", "-O1", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"];

/** Compiles `name`.cpp; the result runs cases. */
export async function buildKernels(name: string): Promise<Run> {
  const program = join(temporaryFolder("cuda"), name);
  await finish(Bun.spawn([compiler(), ...FLAGS, join(import.meta.dir, `${name}.cpp`), "-o", program], { stderr: "pipe" }));
  return async cases => {
    const output = await finish(Bun.spawn([program], { stdin: new Blob([cases.join("\n")]), stderr: "pipe" }));
    return output.trimEnd().split("\n");
  };
}

function compiler(): string {
  return process.env.CXX ?? "c++";
}

async function finish(child: Bun.Subprocess<Blob | "ignore", "pipe", "pipe">): Promise<string> {
  const [output, complaints] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${output}${complaints}`);
  return output;
}

export type Run = (cases: readonly string[]) => Promise<string[]>;

/** Runs cases whose names begin with a type, and expects of each an error within the bound of its type. */
export async function expectSmallErrors(run: Run, cases: readonly string[], bounds: Readonly<Record<string, number>>): Promise<void> {
  const errors = errorsOf(cases, await run(cases));
  expect(cases.filter((line, i) => !(errors[i]! <= bounds[line.split(" ")[0]!]!))).toEqual([]);
}

/** Every answer as an error; what is no number is thrown, with its case. */
function errorsOf(cases: readonly string[], answers: readonly string[]): number[] {
  return cases.map((line, i) => {
    const error = Number(answers[i] ?? "no answer");
    if (Number.isNaN(error)) throw new Error(`${line}: ${answers[i]}`);
    return error;
  });
}
