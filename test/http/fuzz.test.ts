// Random bodies made from the routes' own schemas, then spoiled: whatever comes, the answer is typed and the server goes on serving.
import { expect, test } from "bun:test";
import { countBodySchema, messagesBodySchema } from "../../src/api/anthropic/fields.ts";
import { chatBodySchema, completionBodySchema } from "../../src/api/openai/fields.ts";
import { detokenizeBodySchema, tokenizeBodySchema } from "../../src/api/openai/tokens.ts";
import { inputBodySchema, responsesBodySchema } from "../../src/api/responses/fields.ts";
import { makeBody, spoil, type Dice, type Schema } from "../helpers/random-body.ts";
import { dice } from "../helpers/sequences.ts";
import { until } from "../helpers/until.ts";
import { chat, completions, hello, open } from "./open.ts";

const lastFrame = /(^|\n)(data: \[DONE\]|event: (message_stop|response\.(completed|incomplete|failed))\n.*)\n\n$/;

test.each([
  [chat, chatBodySchema, 1],
  [completions, completionBodySchema, 2],
  ["/v1/messages", messagesBodySchema, 3],
  ["/v1/messages/count_tokens", countBodySchema, 4],
  ["/v1/responses", responsesBodySchema, 5],
  ["/v1/responses/input_tokens", inputBodySchema, 6],
  ["/v1/tokenize", tokenizeBodySchema, 7],
  ["/v1/detokenize", detokenizeBodySchema, 8],
])("%s answers 600 random bodies with a type, and goes on", async (path, schema, seed) => {
  const die = dice(seed);
  const { post, json, engine, log } = open({ ids: [300, 301, 302, 130, 105] });
  const statuses = new Map([
    [200, 0],
    [400, 0],
  ]);
  for (let round = 0; round < 600; round++) {
    const share = die.pick([0, 0.002, 0.02, 0.1]);
    const made = JSON.stringify(makeBody(schema as Schema, die, share));
    const body = share > 0 && die.next() < 0.2 ? spoil(made, die) : made;
    const response = await post(path, body);
    const answer = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const told = `seed ${seed} round ${round}: ${made.slice(0, 2000)} → ${response.status} ${answer.slice(0, 500)} ${log.join("\n")}`;
    if (response.status >= 500) throw new Error(told);
    if (response.status !== 200 && typeof JSON.parse(answer).error?.message !== "string") throw new Error(told);
    if (response.status === 200 && response.headers.get("content-type")?.startsWith("text/event-stream") && !lastFrame.test(answer))
      throw new Error(told);
    if (round % 50 === 0) await json(chat, hello);
  }
  expect(log).toEqual([]);
  await until(() => engine.running === 0, "what went on in the background ends");
  expect(statuses.get(200)).toBeGreaterThan(20); // the generator reaches the engine, though most ways to ask for a form exclude each other
  expect(statuses.get(400)).toBeGreaterThan(60); // and beyond the rules
});

/** A path with something in the place of its parameters. */
function fill(path: string, die: Dice): string {
  const names = ["x", "org/mini", "..%2f..%2fetc%2fpasswd", "resp_1", "%00", "a".repeat(300), "-1", "file-1"];
  return path.replace(/\{[^}]+\}/g, () => encodeURI(die.pick(names)));
}

test("every route of the OpenAPI document answers random requests with a type, and goes on", async () => {
  const die = dice(9);
  const { send, json, engine, log } = open({ ids: [300, 301, 302, 130, 105] });
  const document = (await (await send("/swagger/json")).json()) as { paths: Record<string, Record<string, any>> };
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method,
      schema: operation.requestBody?.content?.["application/json"]?.schema as Schema,
    })),
  );
  expect(routes.length).toBeGreaterThan(30);
  for (const { path, method, schema } of routes) {
    for (let round = 0; round < (schema ? 80 : 10); round++) {
      const share = die.pick([0, 0.02, 0.1]);
      const made = JSON.stringify(schema ? makeBody(schema, die, share) : die.pick([{}, { a: 1 }, [], "x", null]));
      const body = method === "get" ? {} : { body: share > 0 && die.next() < 0.2 ? spoil(made, die) : made };
      const at = fill(path, die);
      const response = await send(at, { method: method.toUpperCase(), headers: { "content-type": "application/json" }, ...(body as RequestInit) });
      const answer = await response.text();
      const told = `${method} ${at} round ${round}: ${made.slice(0, 2000)} → ${response.status} ${answer.slice(0, 500)} ${log.join("\n")}`;
      if (response.status >= 500) throw new Error(told);
      if (response.status >= 400 && !hasMessage(path, JSON.parse(answer))) throw new Error(told);
    }
    await json(chat, hello);
  }
  expect(log).toEqual([]);
  await until(() => engine.running === 0, "what went on in the background ends");
});

/** Each dialect has its own shape of failures. */
function hasMessage(path: string, answer: { error?: any }): boolean {
  return typeof (path.startsWith("/api/") ? answer.error : answer.error?.message) === "string";
}
