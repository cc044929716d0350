// Kernels built for the CPU: a program of this folder is compiled with the emulator and answers one line for each case.
import { join } from "node:path";
import { temporaryFolder } from "../helpers/temporary.ts";

const FLAGS = ["-std=c++20", "-O1", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"];

/** Compiles `name`.cpp; the result runs cases. */
export async function buildKernels(name: string): Promise<(cases: readonly string[]) => Promise<string[]>> {
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

/** Every answer as an error; what is no number is thrown, with its case. */
export function errorsOf(cases: readonly string[], answers: readonly string[]): number[] {
  return cases.map((line, i) => {
    const error = Number(answers[i] ?? "no answer");
    if (Number.isNaN(error)) throw new Error(`${line}: ${answers[i]}`);
    return error;
  });
}
