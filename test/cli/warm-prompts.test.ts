import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { warm } from "../../src/chat/warm.ts";
import { readWarmPrompts } from "../../src/cli/warm-prompts.ts";
import { failure, withFolder } from "../helpers/checkpoints.ts";
import { open, say } from "../http/open.ts";

const user = { role: "user", content: "Hi" };

function read<T>(content: string | object, body: (file: string) => T): T {
  return withFolder({ "warm.json": content }, folder => body(join(folder, "warm.json")));
}

describe("the file of warm prompts", () => {
  test("is a list of conversations", () => {
    const requests = read([[{ role: "system", content: "Be brief." }], [user]], readWarmPrompts);
    expect(requests.map(({ messages }) => messages.map(({ role }) => role))).toEqual([["system"], ["user"]]);
  });

  test.each([
    ["{", "is not valid JSON"],
    ["{}", "must hold a list of conversations"],
    [JSON.stringify([[user], "x"]), "conversation 2"],
    [JSON.stringify([[user], [{ role: "nobody", content: "x" }]]), "conversation 2"],
    [JSON.stringify([[]]), "conversation 1"],
  ])("%s is refused: %s", (content, reason) => {
    const message = read(content, file => failure(() => readWarmPrompts(file)));
    expect(message).toContain("warm.json");
    expect(message).toContain(reason);
  });

  test("that is not there is refused by name", () => {
    expect(failure(() => readWarmPrompts("/nowhere/warm.json"))).toContain("/nowhere/warm.json cannot be read (ENOENT)");
  });
});

test("warming reads each conversation once, writes one token, and a failure is told and skipped", async () => {
  const lines: string[] = [];
  const opened = open((_, n) => (n === 0 ? { ids: [], fail: { code: "overloaded", message: "too busy" } } : say("Hi")));
  const requests = read([[{ ...user, content: "One" }], [{ ...user, content: "Two" }]], readWarmPrompts);
  await warm(opened.service, requests, line => void lines.push(line));
  expect(opened.engine.sequences.map(({ request }) => request.maxTokens)).toEqual([1, 1]);
  expect(lines).toEqual(["warm prompt 1 could not be read: too busy"]);
});

test("clearing stored prefixes reads them again", async () => {
  let warmed = 0;
  const opened = open("Hi", { rewarm: () => void (warmed += 1) });
  expect(await (await opened.send("/v1/cache/prefix", { method: "DELETE" })).json()).toEqual({ status: "cleared", rewarm_scheduled: true });
  expect(warmed).toBe(1);
  const without = open("Hi");
  expect(await (await without.send("/v1/cache/prefix", { method: "DELETE" })).json()).toEqual({ status: "cleared", rewarm_scheduled: false });
});
