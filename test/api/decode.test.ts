import { describe, expect, test } from "bun:test";
import { ApiError } from "../../src/chat/error.ts";
import { decodeChat, decodeCompletion } from "../../src/api/openai/decode.ts";

const user = { role: "user", content: "x" };
const chat = (more: object) => decodeChat({ messages: [user], ...more }).request;
const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return error.message;
    throw error;
  }
  return "nothing was refused";
};

describe("a chat request", () => {
  test("in its shortest form leaves everything to the server", () => {
    expect(decodeChat({ messages: [user] })).toEqual({
      model: undefined,
      stream: false,
      includeUsage: false,
      timeoutSeconds: undefined,
      serviceTier: undefined,
      ignored: [],
      custom: new Set(),
      request: {
        messages: [{ role: "user", content: "x" }],
        tools: [],
        toolChoice: "auto",
        parallelToolCalls: true,
        templateOptions: {},
        generation: { sampling: {}, stop: [], stopIds: [] },
        choices: 1,
      },
    });
  });

  test("carries every control", () => {
    const request = chat({
      max_completion_tokens: 7,
      min_tokens: 2,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      seed: 5,
      repetition_penalty: 1.1,
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      logit_bias: { "3": 5, "12": -100 },
      stop: "END",
      stop_token_ids: [9],
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 3,
      n: 2,
      parallel_tool_calls: false,
      tool_choice: "none",
    });
    expect(request.generation).toEqual({
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        minP: 0.05,
        seed: 5,
        repetitionPenalty: 1.1,
        frequencyPenalty: 0.5,
        presencePenalty: -0.5,
        logitBias: [
          [3, 5],
          [12, -100],
        ],
      },
      maxTokens: 7,
      minTokens: 2,
      stop: ["END"],
      stopIds: [9],
      ignoreEos: true,
      logprobs: 3,
    });
    expect([request.choices, request.parallelToolCalls, request.toolChoice]).toEqual([2, false, "none"]);
  });

  test("logprobs alone has no alternatives, and alternatives need it", () => {
    expect(chat({ logprobs: true }).generation.logprobs).toBe(0);
    expect(chat({ logprobs: false }).generation.logprobs).toBeUndefined();
    expect(refusal(() => chat({ top_logprobs: 1 }))).toBe("'top_logprobs' needs 'logprobs' to be true.");
  });

  test("max_completion_tokens wins over its older name, and 0 is the server's default", () => {
    expect(chat({ max_tokens: 3 }).generation.maxTokens).toBe(3);
    expect(chat({ max_tokens: 3, max_completion_tokens: 4 }).generation.maxTokens).toBe(4);
    expect(chat({ max_tokens: 0 }).generation.maxTokens).toBeUndefined();
  });

  test("a top_k of -1 is off, as in vLLM", () => {
    expect(chat({ top_k: -1 }).generation.sampling.topK).toBe(0);
  });

  test.each([
    [{ reasoning_effort: "none" }, { reasoning_effort: "none", enable_thinking: false }],
    [{ reasoning_effort: "minimal" }, { reasoning_effort: "minimal", enable_thinking: false }],
    [{ reasoning_effort: "high" }, { reasoning_effort: "high", enable_thinking: true }],
    [{ enable_thinking: false }, { enable_thinking: false }],
    [
      { reasoning_effort: "high", enable_thinking: false },
      { reasoning_effort: "high", enable_thinking: false },
    ],
    [{ chat_template_kwargs: { enable_thinking: false, a: [1] } }, { enable_thinking: false, a: [1] }],
    [{ add_generation_prompt: false }, { add_generation_prompt: false }],
  ])("%j becomes the template options %j", (more, options) => {
    expect(chat(more).templateOptions).toEqual(options);
  });

  test("an answer that the client has begun needs a last message that is one", () => {
    const of = (messages: object[], more: object = {}) => ({ messages, continue_final_message: true, ...more });
    const begun = { role: "assistant", content: "So" };
    const call = { id: "a", type: "function", function: { name: "f", arguments: "{}" } };
    expect(decodeChat(of([user, begun])).request.continues).toBe(true);
    expect(decodeChat(of([user, begun], { add_generation_prompt: false })).request.continues).toBe(true);
    expect(decodeChat({ messages: [user, begun] }).request.continues).toBeUndefined();
    const needs = "'continue_final_message' needs a last message";
    expect(refusal(() => decodeChat(of([user])))).toBe(`${needs} of the assistant, not of role "user".`);
    expect(refusal(() => decodeChat(of([user, { ...begun, tool_calls: [call] }])))).toBe(`${needs} that is only text, without 'tool_calls'.`);
    expect(refusal(() => decodeChat(of([user, begun], { add_generation_prompt: true })))).toBe(
      "'continue_final_message' cannot be combined with 'add_generation_prompt', which opens a new answer: leave that out.",
    );
  });

  test("stream options need a stream", () => {
    expect(refusal(() => decodeChat({ messages: [user], stream_options: {} }))).toBe("'stream_options' needs 'stream' to be true.");
    expect(decodeChat({ messages: [user], stream: true, stream_options: { include_usage: true, include_obfuscation: false } }).includeUsage).toBe(
      true,
    );
  });

  test("a budget of thinking has two names, which may not differ", () => {
    expect(chat({ max_thinking_tokens: 5 }).generation.thinkingBudget).toBe(5);
    expect(chat({ thinking_token_budget: 0 }).generation.thinkingBudget).toBe(0);
    expect(chat({ thinking_token_budget: 7, max_thinking_tokens: 7 }).generation.thinkingBudget).toBe(7);
    expect(chat({ thinking_token_budget: null }).generation).not.toHaveProperty("thinkingBudget");
    expect(refusal(() => chat({ thinking_token_budget: 7, max_thinking_tokens: 8 }))).toStartWith("'max_thinking_tokens' must not differ");
  });

  test("min_tokens may not be above the upper bound", () => {
    expect(refusal(() => chat({ min_tokens: 3, max_tokens: 2 }))).toStartWith("'min_tokens' must not be above");
  });
});

describe("messages", () => {
  test("of every role keep what the template may show", () => {
    const messages = [
      { role: "developer", content: "a", name: "d" },
      { role: "system", content: [{ type: "text", text: "b" }] },
      {
        role: "user",
        content: [
          { type: "text", text: "c" },
          { type: "text", text: "d" },
        ],
      },
      { role: "assistant", content: null, tool_calls: [{ id: "1", type: "function", index: 0, function: { name: "f", arguments: "{}" } }] },
      { role: "tool", content: "e", tool_call_id: "1" },
      { role: "assistant", content: "f", reasoning_content: "g", annotations: [], refusal: null },
      {
        role: "assistant",
        content: [
          { type: "text", text: "h" },
          { type: "refusal", refusal: "i" },
        ],
      },
      { role: "assistant", refusal: "no" },
    ];
    const wire = decodeChat({ messages });
    expect(wire.ignored).toEqual([]);
    expect(wire.request.messages).toEqual([
      { role: "developer", content: "a", name: "d" },
      { role: "system", content: "b" },
      { role: "user", content: "c\nd" },
      { role: "assistant", content: "", toolCalls: [{ id: "1", name: "f", arguments: "{}" }] },
      { role: "tool", content: "e", toolCallId: "1" },
      { role: "assistant", content: "f", reasoning: "g" },
      { role: "assistant", content: "h\ni" },
      { role: "assistant", content: "no" },
    ]);
  });

  test.each([
    ["x", "'messages' must be a list of messages."],
    [[], "'messages' must have at least 1 item."],
    [["x"], "'messages[0]' must be an object."],
    [[{}], "'messages[0].role' is required."],
    [[user, { role: "robot", content: "x" }], "'messages[1].role' must be one of system, developer, user, assistant, tool."],
    [[{ role: "function", name: "f", content: "x" }], `'messages[0].role' must not be "function": deprecated by OpenAI; use "tool".`],
    [[{ role: "user" }], "'messages[0].content' is required."],
    [[{ role: "user", content: 5 }], "'messages[0].content' must be a string or a list of objects, not the number 5."],
    [[{ role: "user", content: [] }], "'messages[0].content' must have at least 1 item."],
    [
      [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://x" } }] }],
      `'messages[0].content[0].type' must be "text", not "image_url": only text is read here.`,
    ],
    [
      [{ role: "user", content: [{ type: "input_audio" }] }],
      `'messages[0].content[0].type' must be "text", not "input_audio": only text is read here.`,
    ],
    [[{ role: "user", content: [{ type: "file" }] }], `'messages[0].content[0].type' must be "text", not "file": only text is read here.`],
    [[{ role: "tool", content: "x" }], "'messages[0].tool_call_id' is required."],
    [
      [{ role: "assistant", tool_calls: [{ id: "1", function: { name: "f", arguments: {} } }] }],
      "'messages[0].tool_calls[0].function.arguments' must be a string, not an object.",
    ],
    [[{ role: "assistant", audio: { id: "1" } }], "'messages[0].audio' must be null, not an object: only text is read here."],
    [
      [{ role: "assistant", function_call: { name: "f", arguments: "" } }],
      "'messages[0].function_call' must be null, not an object: deprecated by OpenAI; use tool_calls.",
    ],
  ])("%j is refused: %s", (messages, message) => {
    expect(refusal(() => decodeChat({ messages }))).toBe(message);
  });
});

describe("tools", () => {
  const tool = (name: string, more: object = {}) => ({ type: "function", function: { name, ...more } });

  test("keep their description, schema and strictness", () => {
    const parameters = { type: "object", properties: { a: { type: "string" } } };
    expect(chat({ tools: [tool("f", { description: "d", parameters, strict: true }), tool("g")] }).tools).toEqual([
      { name: "f", description: "d", parameters, strict: true },
      { name: "g" },
    ]);
  });

  test("allowed_tools hides the others", () => {
    const choice = { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("g")] } };
    expect(chat({ tools: [tool("f"), tool("g")], tool_choice: choice }).tools).toEqual([{ name: "g" }]);
    expect(refusal(() => chat({ tools: [tool("f")], tool_choice: choice }))).toBe(
      `'tool_choice.allowed_tools.tools[0].function.name' "g" is not among the function tools.`,
    );
  });

  test.each([
    [tool("a b"), `'tools[0].function.name' must be 1 to 64 characters out of A-Z, a-z, 0-9 and _-, not "a b".`],
    [tool("x".repeat(65)), `'tools[0].function.name' must be 1 to 64 characters out of A-Z, a-z, 0-9 and _-, not a string.`],
    [tool("f", { parameters: "x" }), `'tools[0].function.parameters' must be an object, not "x".`],
    [tool("f", { parameters: { type: "string" } }), `'tools[0].function.parameters.type' must be "object", not "string".`],
    [{ type: "function" }, "'tools[0].function' is required."],
    [{ type: "web_search" }, `'tools[0].type' must be "function" or "custom", not "web_search": only function and custom tools are served.`],
  ])("%j is refused: %s", (wire, message) => {
    expect(refusal(() => chat({ tools: [wire] }))).toBe(message);
  });

  const custom = (name: string, format?: object) => ({ type: "custom", custom: { name, ...(format && { format }) } });
  const grammar = (syntax: string, definition: string) => ({ type: "grammar", grammar: { syntax, definition } });

  test("a custom tool is a function with one text, held to its grammar", () => {
    const wire = decodeChat({ messages: [user], tools: [tool("f"), custom("g", { type: "text" }), custom("h", grammar("lark", 'start: "x"'))] });
    const parameters = { type: "object", properties: { input: { type: "string" } }, required: ["input"], additionalProperties: false };
    const field = "tools[2].custom.format.grammar.definition";
    expect(wire.request.tools).toEqual([
      { name: "f" },
      { name: "g", parameters },
      { name: "h", parameters, input: { type: "grammar", field, text: 'start: "x"' } },
    ]);
    expect(wire.custom).toEqual(new Set(["g", "h"]));
  });

  test("a custom tool is chosen as one", () => {
    const tools = [tool("f"), custom("g")];
    expect(chat({ tools, tool_choice: custom("g") }).toolChoice).toEqual({ name: "g" });
    const allowed = { type: "allowed_tools", allowed_tools: { mode: "required", tools: [custom("g")] } };
    expect(chat({ tools, tool_choice: allowed }).tools.map(({ name }) => name)).toEqual(["g"]);
    expect(refusal(() => chat({ tools, tool_choice: custom("f") }))).toBe(`'tool_choice.custom.name' "f" is not among the custom tools.`);
    expect(refusal(() => chat({ tools, tool_choice: tool("g") }))).toBe(`'tool_choice.function.name' "g" is not among the function tools.`);
  });

  test.each([
    [{ type: "custom" }, "'tools[0].custom' is required."],
    [custom("a b"), `'tools[0].custom.name' must be 1 to 64 characters out of A-Z, a-z, 0-9 and _-, not "a b".`],
    [custom("g", { type: "json" }), `'tools[0].custom.format.type' must be "text" or "grammar", not "json".`],
    [custom("g", grammar("ebnf", "x")), `'tools[0].custom.format.grammar.syntax' must be "lark" or "regex", not "ebnf".`],
    [custom("g", { type: "grammar" }), "'tools[0].custom.format.grammar' is required."],
  ])("the custom tool %j is refused: %s", (wire, message) => {
    expect(refusal(() => chat({ tools: [wire] }))).toBe(message);
    expect(refusal(() => chat({ tools: [tool("f"), custom("f")] }))).toBe(`'tools[1].custom.name' "f" is there twice.`);
  });

  test("with the same name are refused", () => {
    expect(refusal(() => chat({ tools: [tool("f"), tool("f")] }))).toBe(`'tools[1].function.name' "f" is there twice.`);
  });
});

describe("a completion request", () => {
  test.each([
    ["a", ["a"]],
    [
      ["a", "b"],
      ["a", "b"],
    ],
    [[1, 2], [[1, 2]]],
    [
      [[1], [2, 3]],
      [[1], [2, 3]],
    ],
  ])("takes %j as prompt", (prompt, prompts) => {
    expect(decodeCompletion({ prompt }).request.prompts as unknown).toEqual(prompts);
  });

  test.each([
    [[], "'prompt' must have at least 1 item."],
    [[[]], "'prompt[0]' must have at least 1 item."],
    [5, "'prompt' must be a string or a list of whole numbers or a list of strings or a list of lists, not the number 5."],
    [["a", 5], "'prompt[1]' must be a string, not the number 5."],
    [[1, -2], "'prompt[1]' must be at least 0, not -2."],
    [[[1], [2, 1.5]], "'prompt[1][1]' must be a whole number, not the number 1.5."],
    [[1, 1e300], "'prompt[1]' must be at most 4294967295, not 1e+300."],
  ])("refuses %j", (prompt, message) => {
    expect(refusal(() => decodeCompletion({ prompt }))).toBe(message);
  });

  test("asks for the prompt's likelihood with echo and logprobs together", () => {
    expect(decodeCompletion({ prompt: "a", echo: true, logprobs: 2, max_tokens: 0 }).request).toEqual({
      prompts: ["a"],
      echo: true,
      promptLogprobs: 2,
      generation: { sampling: {}, stop: [], stopIds: [], maxTokens: 0, logprobs: 2 },
      choices: 1,
    });
    expect(decodeCompletion({ prompt: "a", echo: true }).request.promptLogprobs).toBeUndefined();
  });

  test("writes more candidates than it shows, not fewer, and never in a stream", () => {
    expect(decodeCompletion({ prompt: "a", best_of: 2, n: 2 }).request).toMatchObject({ choices: 2 });
    expect(decodeCompletion({ prompt: "a", best_of: 3 }).request).toMatchObject({ choices: 1, candidates: 3 });
    expect(refusal(() => decodeCompletion({ prompt: "a", best_of: 1, n: 2 }))).toBe("'best_of' must be at least the value of 'n' (2).");
    expect(refusal(() => decodeCompletion({ prompt: "a", best_of: 2, stream: true }))).toMatch(/^'best_of' above 'n' cannot be streamed/);
    expect(refusal(() => decodeCompletion({ prompt: Array(9).fill("a"), best_of: 16 }))).toMatch(/^'best_of' times the number of prompts/);
  });

  test("fills gaps, without an echo", () => {
    expect(decodeCompletion({ prompt: "a", suffix: "c" }).request.suffix).toBe("c");
    expect(refusal(() => decodeCompletion({ prompt: "a", suffix: "c", echo: true }))).toBe("'echo' cannot be combined with 'suffix'.");
  });

  test("bounds the number of prompts", () => {
    expect(refusal(() => decodeCompletion({ prompt: new Array(129).fill("a") }))).toBe("'prompt' must have at most 128 items, not 129.");
  });

  test("bounds prompts times choices", () => {
    const prompt = new Array(20).fill("a");
    expect(refusal(() => decodeCompletion({ prompt, n: 16 }))).toBe("'n' times the number of prompts must be at most 128, not 320.");
  });
});

test.each([[null], [5], ["x"], [[]], [true]])("a body that is %j is refused", body => {
  expect(refusal(() => decodeChat(body))).toBe("The body must be a JSON object.");
});

test("names from JSON never reach the prototype", () => {
  const wire = decodeChat(JSON.parse('{"messages":[{"role":"user","content":"x"}],"__proto__":{"n":5},"constructor":1,"toString":2}'));
  expect(wire.ignored).toEqual(["__proto__", "constructor", "toString"]);
  expect(wire.request.choices).toBe(1);
});
