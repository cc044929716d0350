// Files and batches over a scripted engine.
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { until } from "../helpers/until.ts";
import { openEncoders } from "./encoders.ts";
import { chat, hello, open, say } from "./open.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const folder = () => temporaryFolder("batches");
const line = (custom_id: unknown, more: object = {}) => JSON.stringify({ custom_id, method: "POST", url: chat, body: hello, ...more });
type Opened = ReturnType<typeof open>;

async function upload({ send }: Opened, text: string, purpose = "batch"): Promise<Response> {
  const form = new FormData();
  form.set("file", new File([text], "../../in.jsonl"));
  form.set("purpose", purpose);
  return send("/v1/files", { method: "POST", body: form });
}

async function runBatch(opened: Opened, text: string, endpoint = chat): Promise<any> {
  const { id } = (await (await upload(opened, text)).json()) as any;
  const batch = await opened.json("/v1/batches", { input_file_id: id, endpoint, completion_window: "24h" });
  return ended(opened, batch.id);
}

async function ended({ send }: Opened, id: string): Promise<any> {
  let batch: any;
  await until(async () => {
    batch = await (await send(`/v1/batches/${id}`)).json();
    return ["completed", "failed", "cancelled"].includes(batch.status);
  });
  return batch;
}

const content = async ({ send }: Opened, id: string) =>
  (await (await send(`/v1/files/${id}/content`)).text())
    .trimEnd()
    .split("\n")
    .map(text => JSON.parse(text));

test("a batch answers its lines behind all others, and tells failures apart", async () => {
  const opened = open("Hi there", { dataFolder: folder() });
  const text = [line("a"), line("b", { body: { messages: "none" } }), "", line("c", { body: { ...hello, priority: -5 } })].join("\r\n");
  const batch = await runBatch(opened, text);
  expect(batch).toMatchObject({ status: "completed", errors: null, request_counts: { total: 3, completed: 2, failed: 1 } });
  const answers = await content(opened, batch.output_file_id);
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(["a", "c"]);
  expect(answers[0]).toMatchObject({ error: null, response: { status_code: 200, request_id: expect.stringMatching(/^req_/) } });
  expect(answers[0].response.body.choices[0].message.content).toBe("Hi there");
  const [failed] = await content(opened, batch.error_file_id);
  expect(failed).toMatchObject({ custom_id: "b", response: { status_code: 400, body: { error: { param: "messages" } } } });
  expect(opened.engine.sequences.map(({ request }) => request.priority)).toEqual([2 ** 31 - 1, 2 ** 31 - 1]);
});

test("a batch of embeddings comes behind all others, whatever its lines wish for", async () => {
  const opened = openEncoders({ dataFolder: folder() });
  const url = "/v1/embeddings";
  const batch = await runBatch(
    opened,
    [line("a", { url, body: { input: "one" } }), line("b", { url, body: { input: "two", priority: -5 } })].join("\n"),
    url,
  );
  expect(batch.request_counts).toEqual({ total: 2, completed: 2, failed: 0 });
  expect(opened.encoder.priorities).toEqual([2 ** 31 - 1, 2 ** 31 - 1]);
});

test("a file with broken lines fails its batch before anything runs, each with its line", async () => {
  const opened = open("Hi", { dataFolder: folder() });
  const other = "/v1/completions";
  const wrong = ["{", "[]", line(""), line("a"), line("a"), line("b", { method: "GET" }), line("c", { url: other }), line("d", { body: 1 })];
  const batch = await runBatch(opened, [...wrong, line("e", { body: { ...hello, stream: true } }), "[".repeat(5000)].join("\n"));
  expect(batch.status).toBe("failed");
  expect(batch.errors.data.map(({ code, line }: any) => [code, line])).toEqual([
    ["invalid_json_line", 1],
    ["invalid_json_line", 2],
    ["invalid_custom_id", 3],
    ["duplicate_custom_id", 5],
    ["invalid_method", 6],
    ["invalid_url", 7],
    ["invalid_body", 8],
    ["invalid_body", 9],
    ["invalid_json_line", 10],
  ]);
  expect(opened.engine.sequences).toEqual([]);
  expect((await runBatch(opened, "\n\n")).errors.data[0].code).toBe("empty_file");
  const many = Array.from({ length: 50_001 }, (_, i) => line(String(i), { body: {} })).join("\n");
  expect((await runBatch(opened, many)).errors.data).toEqual([expect.objectContaining({ code: "too_many_tasks", line: 50_001 })]);
});

test("a line waits while the server has no room", async () => {
  const full = { ids: [], fail: { code: "overloaded" as const, message: "full", retryAfterSeconds: 0.01 } };
  const opened = open([full, say("Hi")], { dataFolder: folder() });
  expect((await runBatch(opened, line("a"))).request_counts).toEqual({ total: 1, completed: 1, failed: 0 });
  expect(opened.engine.sequences).toHaveLength(2);
});

test("a cancelled batch ends what runs and keeps what is answered", async () => {
  const opened = open([say("Hi"), { ids: [], hang: true }], { dataFolder: folder() });
  const { id: file } = (await (await upload(opened, [line("a"), line("b")].join("\n"))).json()) as any;
  const { id } = await opened.json("/v1/batches", { input_file_id: file, endpoint: chat, completion_window: "24h", metadata: { a: "b" } });
  await until(async () => ((await (await opened.send(`/v1/batches/${id}`)).json()) as any).request_counts.completed === 1);
  expect((await opened.json(`/v1/batches/${id}/cancel`, {})).status).toBe("cancelling");
  const batch = await ended(opened, id);
  expect(batch).toMatchObject({ status: "cancelled", metadata: { a: "b" }, request_counts: { total: 2, completed: 1, failed: 0 } });
  expect(await content(opened, batch.output_file_id)).toHaveLength(1);
  await until(() => opened.engine.running === 0);
});

test("files are listed, read and deleted, and their names are no paths", async () => {
  const dataFolder = join(folder(), "data");
  const opened = open("Hi", { dataFolder });
  const file = (await (await upload(opened, line("a"))).json()) as any;
  expect(file).toMatchObject({ object: "file", purpose: "batch", bytes: line("a").length });
  expect([statSync(dataFolder).mode & 0o777, statSync(join(dataFolder, "batches.sqlite")).mode & 0o777]).toEqual([0o700, 0o600]);
  const second = (await (await upload(opened, line("b"))).json()) as any;
  const list = async (query: string) => (await (await opened.send(`/v1/files?${query}`)).json()) as any;
  expect((await list("limit=1")).data.map(({ id }: any) => id)).toEqual([second.id]);
  expect((await list(`after=${second.id}`)).data.map(({ id }: any) => id)).toEqual([file.id]);
  expect((await list("limit=0")).error.param).toBe("limit");
  expect((await opened.send(`/v1/files/${encodeURIComponent("../batches.sqlite")}/content`)).status).toBe(404);
  expect(await (await opened.send(`/v1/files/${file.id}/content`)).text()).toBe(line("a"));
  expect((await opened.send(`/v1/files/${file.id}`, { method: "DELETE" })).status).toBe(200);
  expect((await opened.send(`/v1/files/${file.id}`)).status).toBe(404);
});

test("what cannot be kept is refused by name", async () => {
  const dataFolder = folder();
  const opened = open("Hi", { dataFolder });
  expect((await upload(opened, "x", "fine-tune")).status).toBe(400);
  expect((await upload(opened, "")).status).toBe(400);
  expect((await opened.post("/v1/files", "{}")).status).toBe(400);
  expect((await opened.post("/v1/files", "x", { headers: { "content-type": "multipart/form-data; boundary=y" } })).status).toBe(400);
  const body = { input_file_id: "file-none", endpoint: chat, completion_window: "24h" };
  expect((await opened.json("/v1/batches", body, 404)).error.param).toBe("input_file_id");
  expect((await opened.json("/v1/batches", { ...body, endpoint: "/v1/models" }, 400)).error.param).toBe("endpoint");
  expect((await opened.send("/v1/batches/none")).status).toBe(404);
  const second = open("Hi", { dataFolder });
  expect((await upload(second, "x")).status).toBe(409);
  expect(second.log).toEqual([expect.stringContaining("--data-dir")]);
  expect((await upload(open("Hi"), "x")).status).toBe(400);
});
