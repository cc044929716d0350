// The tool probe: nine plain tool tasks, fixed before the model was trained, in every mode that a client can choose: three APIs, thinking or not,
// streamed or whole. All nine must be right in each and the modes must agree; what passes is printed as a table, and
// bench/results/tool-probe.csv keeps the scores.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startServer, type Server } from "../helpers/server.ts";
import { apis, type Answer, type Clients } from "./tool-probe/apis.ts";
import { probes, type Probe } from "./tool-probe/probes.ts";

setDefaultTimeout(240_000);

let server: Server;
let clients: Clients;

const modes = Object.entries(apis).flatMap(([name, api]) =>
  [true, false].map(stream => ({ name: `${name}, ${stream ? "streamed" : "whole"}`, api, stream })),
);
const passes = new Map<string, boolean[]>(); // of a mode, in the order of the probes

beforeAll(async () => {
  server = await startServer();
  const options = { apiKey: "unused", maxRetries: 0, timeout: 200_000 };
  clients = { openai: new OpenAI({ ...options, baseURL: `${server.url}/v1` }), anthropic: new Anthropic({ ...options, baseURL: server.url }) };
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  console.log(`columns: ${probes.map(({ name }, i) => `${i + 1} ${name}`).join(" · ")}`);
  for (const [mode, passed] of passes) {
    const marks = passed.map(pass => (pass ? "x" : "."));
    console.log(`| ${mode.padEnd(48)} | ${marks.join(" ")} | ${passed.filter(Boolean).length} of ${probes.length} |`);
  }
});

function isRight(answer: Answer, expected: Probe["expected"]): boolean {
  if ("calls" in expected) return Bun.deepEquals(answer.calls, expected.calls, true);
  return answer.calls.length === 0 && expected.says.every(pattern => pattern.test(answer.text));
}

function checkWire({ ids, text, reasoning, calls, ended }: Answer, thinking: boolean): void {
  expect(new Set(ids.filter(id => id !== "")).size).toBe(ids.length);
  expect(text).not.toMatch(/<\/?(think|tool_call|tool_response)>|<\|im_/);
  if (!thinking) expect(reasoning).toBe("");
  if (ended !== "otherwise") expect(ended).toBe(calls.length > 0 ? "calls" : "text");
}

test("there are nine probes", () => {
  expect(probes).toHaveLength(9);
});

describe.each([true, false])("thinking: %p", thinking => {
  test.each(probes)("every mode answers alike and right: $name", async ({ tools, turns, expected }) => {
    const answers = await Promise.all(modes.map(({ api, stream }) => api(clients, { tools, messages: turns, thinking, stream })));
    modes.forEach(({ name }, i) => {
      const mode = `${name}, ${thinking ? "thinking" : "not thinking"}`;
      passes.set(mode, [...(passes.get(mode) ?? []), isRight(answers[i]!, expected)]);
    });
    answers.forEach(answer => checkWire(answer, thinking));
    const [first, ...others] = answers.map(({ calls, text, ended }) => ({ calls, text: text.trim(), ended }));
    others.forEach(other => expect(other).toEqual(first!));
    expect(modes.filter((_, i) => !isRight(answers[i]!, expected)).map(({ name }) => name)).toEqual([]);
  });
});
