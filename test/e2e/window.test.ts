// GEMMA3_SLIDING_WINDOW through the executable: the log-probabilities of a prompt that is longer than every window.
import { expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSafetensors, release, scope, toFloat32, toInt32 } from "../../src/mx/index.ts";
import { root } from "../helpers/imports.ts";
import { openForTests } from "../helpers/mx.ts";
import { Server } from "../helpers/server.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const golden = join(root, "test/golden/gemma3_text/plain"); // its window is 16, its context 512
const { ids, reference } = readReference();

/** mlx-lm's log-probability of each id behind those before it. */
function readReference(): { ids: number[]; reference: number[] } {
  openForTests();
  return scope(() => {
    const tensors = loadSafetensors(join(golden, "reference.safetensors"));
    const [ids, rows] = [[...toInt32(tensors.get("ids")!)], toFloat32(tensors.get("logprobs")!)];
    tensors.forEach(release);
    const width = rows.length / ids.length;
    return { ids, reference: ids.slice(1).map((id, i) => rows[i * width + id]!) };
  });
}

/** The checkpoint with a tokenizer; its ids are no text, so any that knows them will do. */
function checkpoint(window?: number): string {
  const folder = temporaryFolder("window");
  cpSync(golden, folder, { recursive: true });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) cpSync(join(root, "mini/checkpoint", name), join(folder, name));
  if (window === undefined) return folder;
  const config = JSON.parse(readFileSync(join(golden, "config.json"), "utf8")) as object;
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, sliding_window: window }));
  return folder;
}

async function logprobs(model: string, window?: string): Promise<number[]> {
  await using server = await new Server({ model, ...(window !== undefined && { env: { GEMMA3_SLIDING_WINDOW: window } }) }).ready();
  const body = JSON.stringify({ model: "default", prompt: ids, max_tokens: 1, temperature: 0, echo: true, logprobs: 0 });
  const response = await fetch(`${server.url}/v1/completions`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = (await response.json()) as { choices: [{ logprobs: { token_logprobs: number[] } }] };
  return answer.choices[0].logprobs.token_logprobs.slice(1, ids.length);
}

test("GEMMA3_SLIDING_WINDOW gives what the same window in config.json gives; unset and 16 mlx-lm's numbers, 0 those of no window", async () => {
  const plain = checkpoint();
  const unset = await logprobs(plain);
  expect(Math.max(...unset.map((value, i) => Math.abs(value - reference[i]!)))).toBeLessThan(1e-3);
  expect(await logprobs(plain, "16")).toEqual(unset);

  const wider = await logprobs(plain, "48");
  expect(wider).toEqual(await logprobs(checkpoint(48)));
  expect(wider.slice(0, 15)).toEqual(unset.slice(0, 15)); // as long as no window is full
  expect(wider).not.toEqual(unset);

  const full = await logprobs(plain, "0");
  expect(full).toEqual(await logprobs(checkpoint(512)));
  expect(full.slice(0, 47)).toEqual(wider.slice(0, 47));
  expect(full).not.toEqual(wider);
});
