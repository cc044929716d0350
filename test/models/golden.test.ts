// The shared suite over every recorded checkpoint, and the table of how far each is from its reference.
import { afterAll } from "bun:test";
import { Glob } from "bun";
import { dirname } from "node:path";
import { GOLDEN, modelSuite, type Measured } from "./suite.ts";

const names = [...new Glob("*/*/reference.safetensors").scanSync(GOLDEN)].map(dirname).sort();
const table: Measured[] = [];

for (const name of names) for (const layout of ["stored", "turned"] as const) modelSuite(name, layout, line => table.push(line));

afterAll(() => {
  const width = Math.max(...table.map(({ stored }) => stored.length));
  for (const { name, layout, stored, parameters, worst } of table)
    console.log(
      `${name.padEnd(24)} ${layout} ${stored.padEnd(width)} ${String(parameters).padStart(8)} parameters, worst difference ${worst.toExponential(1)}`,
    );
});
