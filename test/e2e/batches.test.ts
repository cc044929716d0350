// Batches with the openai client against the executable, which is killed in the middle.
import { expect, test } from "bun:test";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { startServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const clientOf = ({ url }: { readonly url: string }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });

test("a batch that is cut off by kill -9 goes on after a restart and computes no line twice", async () => {
  const args = ["--data-dir", join(temporaryFolder("batches"), "data")];
  const total = 120;
  const body = { prompt: "Hello", max_tokens: 60, temperature: 0, ignore_eos: true };
  const lines = Array.from({ length: total }, (_, i) => JSON.stringify({ custom_id: `line ${i}`, method: "POST", url: "/v1/completions", body }));
  const answersOf = async (client: OpenAI, file: string) =>
    (await (await client.files.content(file)).text())
      .trimEnd()
      .split("\n")
      .map(text => JSON.parse(text));

  let id: string;
  let before: number;
  {
    await using server = await startServer({ args });
    const client = clientOf(server);
    const file = await client.files.create({ file: await toFile(Buffer.from(lines.join("\n")), "in.jsonl"), purpose: "batch" });
    ({ id } = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/completions", completion_window: "24h" }));
    await until(async () => (await client.batches.retrieve(id)).request_counts!.completed > 20);
    const chat = await client.chat.completions.create({ model: "default", messages: [{ role: "user", content: "Hello" }], max_tokens: 5 });
    expect(chat.usage!.completion_tokens).toBeGreaterThan(0);
    before = (await client.batches.retrieve(id)).request_counts!.completed;
    server.signal("SIGKILL");
    await server.exitCode;
  }
  expect(before).toBeLessThan(total);

  await using server = await startServer({ args });
  const client = clientOf(server);
  await until(async () => (await client.batches.retrieve(id)).status === "completed");
  const batch = await client.batches.retrieve(id);
  expect(batch.request_counts).toEqual({ total, completed: total, failed: 0 });
  const answers = await answersOf(client, batch.output_file_id!);
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(lines.map((_, i) => `line ${i}`));
  expect(new Set(answers.map(({ response }) => response.body.choices[0].text)).size).toBe(1);
  const status: any = await (await fetch(`${server.url}/v1/status`)).json();
  expect(status.total_requests_processed).toBeLessThanOrEqual(total - before); // finished ones were not computed again
  expect((await Array.fromAsync(client.batches.list())).map(({ id }) => id)).toEqual([id]);
  expect((await client.files.list()).data).toHaveLength(2);
  expect((await client.files.delete(batch.output_file_id!)).deleted).toBe(true);
});
