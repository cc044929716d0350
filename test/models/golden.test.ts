// The shared suite over every recorded checkpoint, and the table of how far each is from its reference.
import { afterAll } from "bun:test";
import { Glob } from "bun";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GOLDEN, modelSuite, type Measured } from "./suite.ts";

const names = [...new Glob("*/*/reference.safetensors").scanSync(GOLDEN)].map(dirname).sort();
const table: Measured[] = [];

for (const name of names) for (const layout of layouts(name)) modelSuite(name, layout, line => table.push(line));

/** Packed matrices stay packed or are unpacked for the CPU; dense ones differ by a transposed view, which one checkpoint shows. */
function layouts(name: string): ("stored" | "turned")[] {
  const config = JSON.parse(readFileSync(join(GOLDEN, name, "config.json"), "utf8")) as Record<string, unknown>;
  const isBoth = name === "qwen3/float32" || "quantization" in config || "quantization_config" in config;
  return isBoth ? ["stored", "turned"] : ["turned"];
}

afterAll(() => {
  const width = Math.max(...table.map(({ stored }) => stored.length));
  for (const { name, layout, stored, parameters, worst } of table)
    console.log(
      `${name.padEnd(26)} ${layout} ${stored.padEnd(width)} ${String(parameters).padStart(8)} parameters, worst difference ${worst.toExponential(1)}`,
    );
});
