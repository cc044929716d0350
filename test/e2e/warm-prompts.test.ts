// --warm-prompts in the executable: what the file holds is stored before the first request, and again after the store was cleared.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, startServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

const system = { role: "system", content: `You are a helpful guide. ${"You know every street of the old town by its name. ".repeat(12)}` };
const question = { role: "user", content: "Where is the market?" };

interface Usage {
  readonly prompt_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

async function usage(server: Server, messages: readonly object[]): Promise<Usage> {
  const body = JSON.stringify({ model: "pippin-mini", messages, temperature: 0, max_tokens: 1 });
  const response = await fetch(`${server.url}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as { usage: Usage }).usage;
}

async function blocks(server: Server): Promise<number> {
  const stats = (await (await fetch(`${server.url}/v1/status`)).json()) as { cache: { allocated_blocks: number } };
  return stats.cache.allocated_blocks;
}

async function withFile<T>(content: string, body: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "warm-prompts-"));
  try {
    const file = join(folder, "warm.json");
    writeFileSync(file, content);
    return await body(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the first request finds what warm prompts left, and finds it again after the store was cleared", () =>
  withFile(JSON.stringify([[system, { role: "user", content: "Hello!" }]]), async file => {
    await using cold = await startServer();
    await using server = await startServer({ args: ["--warm-prompts", file] });
    const [unknown, first] = [await usage(cold, [system, question]), await usage(server, [system, question])];
    expect(unknown.prompt_tokens_details.cached_tokens).toBe(0);
    expect(first.prompt_tokens).toBe(unknown.prompt_tokens);
    expect(first.prompt_tokens_details.cached_tokens).toBeGreaterThan(first.prompt_tokens / 2);

    const cleared = await fetch(`${server.url}/v1/cache/prefix`, { method: "DELETE" });
    expect(await cleared.json()).toEqual({ status: "cleared", rewarm_scheduled: true });
    await until(async () => (await blocks(server)) > 0);
    const again = await usage(server, [system, { role: "user", content: "Where is the river?" }]);
    expect(again.prompt_tokens_details.cached_tokens).toBe(first.prompt_tokens_details.cached_tokens);
  }));

test("a file that is wrong ends the start in one line that names it", () =>
  withFile(JSON.stringify([[system], [{ role: "nobody", content: "x" }]]), async file => {
    await using server = new Server({ args: ["--warm-prompts", file] });
    expect(await server.exitCode).toBe(2);
    expect(server.output).toEqual([expect.stringMatching(/^error: --warm-prompts: .*warm\.json: conversation 2: /)]);
  }));
