// Sessions in the shapes of Claude Code and Codex CLI, written by hand from what is known of them: they go through without an error, and
// from the second request on most of the prompt is found again.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startServer, type Server } from "../helpers/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const rules = Array.from({ length: 16 }, (_, i) => `Rule ${i}: read the file before you change it.`).join("\n");

/** The events of a stream; fails on any other answer. */
async function ask(path: string, body: object, headers: Record<string, string>): Promise<any[]> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "default", stream: true, ...body }),
  });
  const text = await response.text();
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
}

const once = { type: "ephemeral" };
const claudeFirst: object[] = [
  {
    role: "user",
    content: [
      { type: "text", text: "<system-reminder>\nThe date is today.\n</system-reminder>" },
      { type: "text", text: "List the files.", cache_control: once },
    ],
  },
];
const claudeSecond = [
  ...claudeFirst,
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "I list them.", signature: "c2ln" },
      { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } },
      { type: "tool_use", id: "toolu_2", name: "Read", input: { file_path: "a.txt" } },
    ],
  },
  {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "toolu_1", content: "a.txt" },
      {
        type: "tool_result",
        tool_use_id: "toolu_2",
        content: [{ type: "text", text: "<tool_use_error>no such file</tool_use_error>" }],
        is_error: true,
      },
    ],
  },
  { role: "system", content: "The user has changed a.txt." },
  { role: "user", content: [{ type: "text", text: "And now?", cache_control: once }] },
];
test("Claude Code", async () => {
  const tool = (name: string, property: string) => ({
    name,
    description: `The tool ${name}.`,
    input_schema: {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      properties: { [property]: { type: "string" } },
      required: [property],
    },
  });
  const turn = async (nonce: string, messages: object[]) => {
    const body = {
      max_tokens: 16,
      metadata: { user_id: "user_1_account__session_2" },
      system: [
        { type: "text", text: `x-anthropic-billing-header: cc_version=2.1.193; cc_entrypoint=cli; cch=${nonce};` },
        { type: "text", text: "You are Claude Code.", cache_control: once },
        { type: "text", text: rules, cache_control: once },
      ],
      tools: [tool("Read", "file_path"), { ...tool("Bash", "command"), cache_control: once }],
      thinking: { type: "enabled", budget_tokens: 8 },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      messages,
    };
    const headers = {
      "x-api-key": "unused",
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27",
    };
    const events = await ask("/v1/messages?beta=true", body, headers);
    expect(events[0].type).toBe("message_start");
    expect(events.at(-1)).toEqual({ type: "message_stop" });
    return events.at(-2).usage;
  };
  const before = await turn("1f2e3", claudeFirst);
  const usage = await turn("9a8b7", claudeSecond);
  expect(usage.cache_read_input_tokens).toBeGreaterThan((before.input_tokens + before.cache_read_input_tokens) * 0.8);
  const counted = await fetch(`${server.url}/v1/messages/count_tokens?beta=true`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", messages: claudeFirst }),
  });
  expect(await counted.json()).toEqual({ input_tokens: expect.any(Number) });
});

test("Codex CLI", async () => {
  const read = new Set([
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.completed",
  ]);
  const shell = { type: "function", name: "shell", description: "Runs a command.", strict: false };
  const parameters = {
    type: "object",
    properties: { command: { type: "array", items: { type: "string" } } },
    required: ["command"],
    additionalProperties: false,
  };
  const turn = async (input: object[]) => {
    const body = {
      instructions: `You are a coding agent.\n${rules}`,
      input,
      tools: [
        { ...shell, parameters },
        { type: "custom", name: "apply_patch", description: "Changes files.", format: { type: "text" } },
        {
          type: "namespace",
          name: "mcp__docs__",
          description: "Documents.",
          tools: [{ type: "function", name: "search", parameters: { type: "object", properties: {} } }],
        },
        { type: "web_search", external_web_access: false },
      ],
      tool_choice: "auto",
      parallel_tool_calls: true,
      reasoning: { effort: "medium", summary: "auto" },
      store: false,
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: "0199",
      max_output_tokens: 16,
    };
    const events = await ask("/v1/responses", body, { authorization: "Bearer unused", originator: "codex_cli_rs" });
    const types = events.map(event => event.type);
    for (const type of ["response.created", "response.output_item.added", "response.output_item.done"]) expect(types).toContain(type);
    expect(types.at(-1)).toMatch(/^response\.(completed|incomplete)$/);
    expect(types.filter(type => read.has(type)).length).toBeGreaterThan(3);
    return events.at(-1).response;
  };
  const message = (role: string, text: string) => ({ type: "message", role, content: [{ type: "input_text", text }] });
  const opening = [message("developer", "<permissions instructions>"), message("user", "<environment_context>"), message("user", "List the files.")];
  const first = await turn(opening);
  const calls = [
    { type: "function_call", name: "shell", arguments: '{"command":["ls"]}', call_id: "call_1" },
    { type: "function_call_output", call_id: "call_1", output: "a.txt" },
  ];
  const second = await turn([...opening, ...first.output, ...calls, message("user", "And now?")]);
  expect(second.usage.input_tokens_details.cached_tokens).toBeGreaterThan(first.usage.input_tokens * 0.8);
});
