// Held-out cases whose answer is a call, drawn anew by the generator of mini/, and what a server makes of them.
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import OpenAI from "openai";
import { root } from "./imports.ts";

type Tool = OpenAI.Chat.ChatCompletionFunctionTool;
type Call = { readonly name: string; readonly arguments: unknown };

export interface CallCase {
  readonly id: string;
  readonly thinking: boolean;
  readonly messages: OpenAI.Chat.ChatCompletionMessageParam[];
  readonly tools: Tool[];
  readonly expect: { readonly calls: readonly Call[] };
}

export interface Outcome {
  readonly id: string;
  readonly right: boolean; // names and arguments are those that were meant
  readonly called: boolean;
  readonly valid: boolean; // every call names a tool that is offered, with arguments of its schema
}

export function drawCallCases(count: number, seed: number): CallCase[] {
  const { stdout, stderr, success } = Bun.spawnSync(["python3", join(root, "mini/cases.py"), "--calls", String(count), "--seed", String(seed)]);
  if (!success) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as CallCase[];
}

/** Greedy, eight at a time, in the order of the cases. */
export async function askCallCases(url: string, cases: readonly CallCase[], strict: boolean): Promise<Outcome[]> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0, timeout: 300_000 });
  const outcomes: Outcome[] = [];
  const waiting = [...cases.entries()];
  const ask = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) outcomes[next[0]] = await askOne(client, next[1], strict);
  };
  await Promise.all(Array.from({ length: 8 }, ask));
  return outcomes;
}

/**
 * A tool without `uniqueItems`, which strict tools may not have where items are free text; OpenAI's may not have it at all.
 * What is called must satisfy it all the same.
 */
function held(tool: Tool["function"]): Tool["function"] {
  return JSON.parse(JSON.stringify(tool), (key, value: unknown) => (key === "uniqueItems" && value === true ? undefined : value)) as Tool["function"];
}

async function askOne(client: OpenAI, { id, messages, tools, thinking, expect }: CallCase, strict: boolean): Promise<Outcome> {
  const offered = strict ? tools.map(tool => ({ ...tool, function: { ...held(tool.function), strict } })) : tools;
  const template = { chat_template_kwargs: { enable_thinking: thinking } };
  const request = { model: "pippin-mini", messages, tools: offered, temperature: 0, max_tokens: 400, ...template };
  const { message } = (await client.chat.completions.create(request)).choices[0]!;
  const calls = (message.tool_calls ?? []).flatMap(call => (call.type === "function" ? [call.function] : []));
  const said = calls.map(call => ({ name: call.name, arguments: parsed(call.arguments) }));
  return { id, right: Bun.deepEquals(said, expect.calls), called: said.length > 0, valid: said.every(call => isValid(call, tools)) };
}

function isValid(call: Call, tools: readonly Tool[]): boolean {
  const tool = tools.find(offered => offered.function.name === call.name);
  return tool !== undefined && new Ajv({ strict: false, validateSchema: false }).validate(tool.function.parameters ?? {}, call.arguments);
}

/** Undefined, which no schema allows, for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
