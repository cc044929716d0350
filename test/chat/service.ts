// A service for tests: a model folder written out by hand, and a scripted engine that says given texts.
import { likelihoodsOf } from "../../src/chat/join-events.ts";
import { openService, type Service, type ServiceOptions } from "../../src/chat/service.ts";
import type { ChatEvent, ChatRequest, CompletionRequest, Generation } from "../../src/chat/types.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { FakeEngine, type FakeOptions, type Script } from "../helpers/fake-engine.ts";
import { chatFolder } from "../tokenizer/fixtures.ts";

export interface Setup {
  readonly says?: string | readonly string[] | ((index: number) => Script);
  readonly script?: Partial<Script>;
  readonly engine?: FakeOptions;
  readonly options?: ServiceOptions;
  readonly files?: Readonly<Record<string, unknown>>;
}

/** The engine says the texts in turn, token by token unless the script says otherwise. */
export function openTestService(setup: Setup = {}): { service: Service; engine: FakeEngine; ids: (text: string) => number[] } {
  using folder = chatFolder(setup.files);
  const { says = "" } = setup;
  const holder: { tokenizer?: Tokenizer } = {};
  const ids = (text: string) => [...(holder.tokenizer?.encode(text, { specialTokens: false }) ?? [])];
  const scriptOf = (index: number): Script => {
    if (typeof says === "function") return says(index);
    const text = typeof says === "string" ? says : (says[Math.min(index, says.length - 1)] ?? "");
    return { ...setup.script, ids: setup.script?.ids ?? ids(text) };
  };
  const engine = new FakeEngine((_, index) => scriptOf(index), { ...setup.engine, info: { contextLength: 2048, ...setup.engine?.info } });
  const service = openService(folder.path, engine, { id: "test-model", ...setup.options });
  holder.tokenizer = service.tokenizer;
  return { service, engine, ids };
}

export const generation = (wishes: Partial<Generation> = {}): Generation => ({ sampling: {}, stop: [], stopIds: [], ...wishes });

export const chat = (wishes: Partial<ChatRequest> = {}): ChatRequest => ({
  messages: [{ role: "user", content: "Hi" }],
  tools: [],
  toolChoice: "auto",
  parallelToolCalls: true,
  templateOptions: {},
  generation: generation(),
  choices: 1,
  ...wishes,
});

export const completion = (wishes: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prompts: ["hello"],
  echo: false,
  generation: generation(),
  choices: 1,
  ...wishes,
});

export async function collect(events: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const all: ChatEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export interface Said {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
  tokens: string[]; // of logprobs
  starts: number;
  finish: Extract<ChatEvent, { type: "finish" }> | undefined;
}

/** What each choice said in the end. Throws when events come in an order that they must not have. */
export function fold(events: readonly ChatEvent[]): Said[] {
  const choices: Said[] = [];
  for (const event of events) {
    const said = (choices[event.choice] ??= { text: "", reasoning: "", calls: [], tokens: [], starts: 0, finish: undefined });
    if (said.finish) throw new Error(`${event.type} after finish`);
    if (said.starts === 0 && event.type !== "start") throw new Error(`${event.type} before start`);
    if ("text" in event && event.text === "") throw new Error(`an empty ${event.type}`);
    if (event.type === "start") said.starts++;
    else if (event.type === "text" || event.type === "reasoning") said[event.type] += event.text;
    else if (event.type === "tool-call") {
      if (event.index !== said.calls.length || !/^call_[0-9a-f]{24}$/.test(event.id)) throw new Error("a wrong tool call");
      said.calls.push({ name: event.name, arguments: "" });
    } else if (event.type === "tool-arguments") {
      if (event.index !== said.calls.length - 1) throw new Error("arguments of another call");
      said.calls.at(-1)!.arguments += event.text;
    } else if (event.type !== "logprobs") said.finish = event;
    said.tokens.push(...(likelihoodsOf(event) ?? []).map(token => token.text));
  }
  return choices;
}
