// Adapters as clients see them: models of their own, on one engine.
import { expect, test } from "bun:test";
import { withAdapter } from "../../src/chat/service.ts";
import { makeApp } from "../../src/http/app.ts";
import { noEncoders, open, usualConfig } from "./open.ts";

function openAdapted() {
  const { engine, service } = open("Hello.");
  const services = [service, withAdapter(service, "poet", 1), withAdapter(service, "coder", 2)];
  const app = makeApp({
    encoders: noEncoders(),
    models: () => services.map(service => ({ service, aliases: [], created: 1 })),
    config: usualConfig,
    version: "1.2.3",
  });
  const send = (path: string, body?: object, method = body ? "POST" : "GET") => {
    const headers = { "content-type": "application/json" };
    return app.handle(new Request(`http://localhost${path}`, { method, ...(body && { headers, body: JSON.stringify(body) }) }));
  };
  return { engine, send };
}

const messages = [{ role: "user", content: "Hi" }];

test("a request's model says which adapter it goes through, in every API", async () => {
  const { engine, send } = openAdapted();
  const asked = async (path: string, body: object) => {
    const response = await send(path, body);
    expect(response.status).toBe(200);
    const { model } = (await response.json()) as { model: string };
    return [model, engine.sequences.at(-1)!.request.adapter];
  };
  expect(await asked("/v1/chat/completions", { model: "org/mini:coder", messages })).toEqual(["org/mini:coder", 2]);
  expect(await asked("/v1/completions", { model: "org/mini:poet", prompt: "Hi" })).toEqual(["org/mini:poet", 1]);
  expect(await asked("/v1/messages", { model: "org/mini:poet", messages, max_tokens: 5 })).toEqual(["org/mini:poet", 1]);
  expect(await asked("/v1/responses", { model: "org/mini:coder", input: "Hi" })).toEqual(["org/mini:coder", 2]);
  expect(await asked("/v1/chat/completions", { model: "org/mini", messages })).toEqual(["org/mini", undefined]);
  expect(await asked("/v1/chat/completions", { model: "default", messages })).toEqual(["default", undefined]);
});

test("they are listed, and an unknown one is a 404 that tells which there are", async () => {
  const { send } = openAdapted();
  const { data } = (await (await send("/v1/models")).json()) as { data: { id: string; max_model_len: number }[] };
  expect(data.map(({ id }) => id)).toEqual(["org/mini", "org/mini:poet", "org/mini:coder"]);
  expect(new Set(data.map(entry => entry.max_model_len)).size).toBe(1);
  expect((await send("/v1/models/org/mini:poet")).status).toBe(200);
  const response = await send("/v1/chat/completions", { model: "org/mini:painter", messages });
  expect(response.status).toBe(404);
  const { error } = (await response.json()) as { error: { message: string; code: string } };
  expect(error).toMatchObject({ code: "model_not_found", message: expect.stringContaining("Served here: org/mini, org/mini:poet, org/mini:coder.") });
});

test("their engine's stored prefixes are told and cleared once", async () => {
  const { send } = openAdapted();
  const { models } = (await (await send("/v1/cache/stats")).json()) as { models: { model: string }[] };
  expect(models.map(({ model }) => model)).toEqual(["org/mini"]);
  expect((await send("/v1/cache", undefined, "DELETE")).status).toBe(200);
});
