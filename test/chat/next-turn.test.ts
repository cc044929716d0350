// The next turn of a chat finds the last one stored, also where the template drops earlier thinking: then up to the place
// where the answer's ids and the re-rendered ones differ.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PrefixCache } from "../../src/cache/prefix.ts";
import { renderChat } from "../../src/chat/render.ts";
import { openService } from "../../src/chat/service.ts";
import type { ChatRequest, Message } from "../../src/chat/types.ts";
import { FakeEngine } from "../helpers/fake-engine.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

/** In the manner of Qwen3: thinking is kept only behind the last question. */
const template = `{%- set ns = namespace(last=0) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}
{%- for message in messages %}
{%- set content = message.content %}
{%- set thinking = message.reasoning_content or '' %}
{%- if message.role == 'assistant' and loop.index0 > ns.last and thinking %}
{{- '<|im_start|>assistant\\n<think>\\n' + thinking + '\\n</think>\\n\\n' + content + '<|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and not enable_thinking %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}`;

const folder = temporaryFolder("next-turn");
writeFileSync(join(folder, "template.jinja"), template);
const service = openService(new URL("../../mini/checkpoint", import.meta.url).pathname, new FakeEngine({ ids: [] }), {
  templateFile: join(folder, "template.jinja"),
});
afterAll(() => {
  service.close();
});

const encode = (text: string) => service.tokenizer.encode(text, { specialTokens: false });

async function render(messages: readonly Message[], templateOptions: Record<string, unknown> = {}): Promise<Uint32Array> {
  const generation = { sampling: {}, stop: [], stopIds: [] };
  const request: ChatRequest = { messages, tools: [], toolChoice: "auto", parallelToolCalls: true, templateOptions, generation, choices: 1 };
  return (await renderChat(service, request)).ids;
}

/** Five turns; returns, for each turn but the first, what the prompt before and the prompt now have and how much was found. */
async function chat(thinking: string, options: Record<string, unknown>): Promise<{ before: number; withAnswer: number; found: number }[]> {
  const cache = new PrefixCache<number>({
    blockSize: 16,
    limits: { bytes: Infinity, blocks: Infinity, chains: Infinity },
    sizeOf: () => 1,
    dropped: () => {},
  });
  const store = (ids: Uint32Array) => cache.insert(ids, (_, blocks) => blocks.map(() => 0), true);
  const messages: Message[] = [{ role: "system", content: "You are brief." }];
  const turns = [];
  let [before, withAnswer] = [0, 0];
  for (let turn = 0; turn < 5; turn++) {
    messages.push({ role: "user", content: `What is the capital of country number ${turn}?` });
    const prompt = await render(messages, options);
    const found = cache.match(prompt);
    cache.letGo(found.blocks);
    if (turn > 0) turns.push({ before, withAnswer, found: found.length });
    const written = encode(`${thinking && `<think>\n${thinking}\n</think>\n\n`}It is city ${turn}.`);
    store(prompt);
    store(Uint32Array.from([...prompt, ...written]));
    [before, withAnswer] = [prompt.length, prompt.length + written.length];
    messages.push({ role: "assistant", content: `It is city ${turn}.`, ...(thinking && { reasoning: thinking }) });
  }
  return turns;
}

describe("the next turn", () => {
  test("reads only what is new when the answer is rendered as it was written", async () => {
    for (const { withAnswer, found } of await chat("", {})) expect(found).toBe(withAnswer);
  });

  test("finds all of the last prompt when earlier thinking is dropped", async () => {
    for (const { before, found } of await chat("The user asks for a capital.", {})) expect(found).toBeGreaterThanOrEqual(before);
  });

  test("finds the last prompt up to the empty thinking that the template puts before an answer and later drops", async () => {
    const mark = encode("<think>\n\n</think>\n\n").length;
    for (const { before, found } of await chat("", { enable_thinking: false })) expect(found).toBeGreaterThanOrEqual(before - mark);
  });
});
