// The tool probe: nine things that agents ask of a model with tools, each in three wordings, in every mode that a client can choose.
// The tools are unlike those that the built-in model learned from. The wordings were chosen among those it answers (mini/README.md), so this
// holds the wire and the agreement of the modes; it is no score of the model.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startServer, type Server } from "../helpers/server.ts";
import { apis, type Clients } from "./tool-probe/apis.ts";
import { probes } from "./tool-probe/probes.ts";

setDefaultTimeout(120_000);

let server: Server;
let clients: Clients;

beforeAll(async () => {
  server = await startServer();
  const options = { apiKey: "unused", maxRetries: 0, timeout: 100_000 };
  clients = { openai: new OpenAI({ ...options, baseURL: `${server.url}/v1` }), anthropic: new Anthropic({ ...options, baseURL: server.url }) };
});
afterAll(() => server[Symbol.asyncDispose]());

test("there are nine probes with three wordings each", () => {
  expect(probes.map(probe => probe.turns.length)).toEqual(Array(9).fill(3));
});

const modes = Object.entries(apis).flatMap(([name, api]) =>
  [true, false].flatMap(thinking =>
    [true, false].map(stream => ({
      name: `${name}, ${thinking ? "thinking" : "not thinking"}, ${stream ? "streamed" : "whole"}`,
      api,
      thinking,
      stream,
    })),
  ),
);

describe.each(modes)("$name:", ({ api, thinking, stream }) => {
  test.each(probes)("$name", async ({ tools, turns, expected }) => {
    const answers = await Promise.all(turns.map(messages => api(clients, { tools, messages, thinking, stream })));
    answers.forEach(({ reasoning }) => expect(reasoning !== "").toBe(thinking));
    answers.forEach(({ ids }) => expect(new Set(ids.filter(id => id !== "")).size).toBe(ids.length));
    answers.forEach(({ text }) => expect(text).not.toMatch(/<\/?(think|tool_call|tool_response)>|<\|im_/));
    answers.forEach(({ calls, ended }) => expect(ended).toBe(calls.length > 0 ? "calls" : "text"));
    if ("calls" in expected) expect(answers.map(({ calls }) => calls)).toEqual(expected.calls.map(calls => [...calls]));
    else
      answers.forEach(({ calls, text }, i) => {
        expect(calls).toEqual([]);
        expect(text).toMatch(expected.says[i]!);
      });
  });
});
