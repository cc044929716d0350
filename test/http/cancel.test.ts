// An answer that is ended from another connection, by either of its ids.
import { expect, test } from "bun:test";
import { until } from "../helpers/until.ts";
import { chat, frames, hello, ids, open } from "./open.ts";

const endless = { ids: ids("Hello"), hang: true };

test.each([
  ["POST", (id: string) => `/v1/requests/${id}/cancel`],
  ["DELETE", (id: string) => `/v1/requests/${id}`],
])("%s ends a stream with an error that names the reason", async (method, path) => {
  const { post, send, engine } = open(endless);
  const response = await post(chat, { ...hello, stream: true });
  const id = response.headers.get("x-request-id")!;
  const answer = await send(path(id), { method });
  expect([answer.status, await answer.json()]).toEqual([200, { object: "request.cancel", id, cancelled: true }]);
  const all = await frames(response);
  expect(JSON.parse(all.at(-2)!).error).toMatchObject({ code: "cancelled" });
  await until(() => engine.aborted === 1, "the engine hears of it");
  expect((await send(path(id), { method })).status).toBe(404);
});

test("an answer is known by its own id, too, and only while it runs", async () => {
  const { post, send, engine } = open(endless);
  const stream = await post(chat, { ...hello, stream: true });
  const reader = stream.body!.getReader();
  const { id } = JSON.parse(
    new TextDecoder()
      .decode((await reader.read()).value)
      .slice("data: ".length)
      .split("\n")[0]!,
  );
  expect((await send(`/v1/requests/${id}`, { method: "DELETE" })).status).toBe(200);
  await until(() => engine.running === 0, "it ends");
  const none = await send(`/v1/requests/${id}`, { method: "DELETE" });
  expect([none.status, ((await none.json()) as any).error.code]).toEqual([404, "request_not_found"]);
});
