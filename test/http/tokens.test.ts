// Texts and conversations as ids, and back.
import { expect, test } from "bun:test";
import { chat, hello, ids, open } from "./open.ts";

const opened = open("Hi");
const { json } = opened;

test.each(["/v1", ""])("%s/tokenize and detokenize undo each other", async prefix => {
  const text = "Hello, é 😀 you";
  const { count, tokens, max_model_len, token_strs } = await json(`${prefix}/tokenize`, { prompt: text, add_special_tokens: false });
  expect([count, tokens, max_model_len, token_strs]).toEqual([ids(text).length, ids(text), 4096, null]);
  expect(await json(`${prefix}/detokenize`, { tokens })).toEqual({ prompt: text });
});

test("each token's text is there when asked for", async () => {
  const { token_strs } = await json("/v1/tokenize", { model: "mini", prompt: "Hello you", return_token_strs: true, add_special_tokens: false });
  expect(token_strs.join("")).toBe("Hello you");
});

test("a conversation has the tokens of the prompt that the chat route makes of it", async () => {
  const more = { tools: [{ type: "function", function: { name: "f" } }], chat_template_kwargs: { enable_thinking: true } };
  const { tokens } = await json("/v1/tokenize", { ...hello, ...more });
  await json(chat, { ...hello, ...more });
  expect(tokens).toEqual([...opened.engine.sequences.at(-1)!.request.prompt]);
});

test.each([
  ["/v1/tokenize", {}, "prompt"],
  ["/v1/tokenize", { prompt: 5 }, "prompt"],
  ["/v1/tokenize", { prompt: "a", ...hello }, "messages"],
  ["/v1/tokenize", { messages: [] }, "messages"],
  ["/v1/detokenize", {}, "tokens"],
  ["/v1/detokenize", { tokens: [1, -1] }, "tokens[1]"],
  ["/v1/detokenize", { tokens: [1_000_000] }, "tokens"],
])("%s refuses %j by naming %s", async (path, body, param) => {
  expect((await json(path, body, 400)).error.param).toBe(param);
});

test("an unknown model is unknown here, too", async () => {
  expect((await json("/v1/tokenize", { model: "other", prompt: "a" }, 404)).error.code).toBe("model_not_found");
});
