// ChatEvents → a chat.completion object, or chat.completion.chunk frames.
import { likelihoodsOf } from "../../chat/join-events.ts";
import type { ChatEvent, FinishEvent, PrefixReport, TextLogprob } from "../../chat/types.ts";
import type { Answer, Frames } from "../frames.ts";
import {
  chunkPrefix,
  comment,
  diagnosticsFrame,
  done,
  failedEnd,
  toDiagnostics,
  toUsage,
  usageFrame,
  type FrameOptions,
  type Head,
  stopFields,
} from "./encode.ts";
import { CallDeltas, toToolCall, type Call } from "./calls.ts";
import { toTokenLogprob } from "../logprob.ts";

const none: ReadonlySet<string> = new Set();

/** One choice of an answer that is not streamed, as its events add to it. */
interface Choice {
  text: string;
  reasoning: string;
  readonly calls: Call[];
  readonly logprobs: TextLogprob[];
  prefix?: PrefixReport;
  finish?: FinishEvent;
}

/** The whole answer at once. `custom` has the names of custom tools. */
export function chatAnswer(head: Head, withLogprobs: boolean, custom: ReadonlySet<string> = none): Answer {
  const choices: Choice[] = [];
  return {
    add: event => addTo((choices[event.choice] ??= { text: "", reasoning: "", calls: [], logprobs: [] }), event),
    body: () => ({
      id: head.id,
      object: "chat.completion",
      created: head.created,
      model: head.model,
      system_fingerprint: head.fingerprint,
      ...(head.serviceTier && { service_tier: head.serviceTier }),
      choices: choices.map((choice, index) => ({
        index,
        message: toMessage(choice, custom),
        logprobs: withLogprobs ? { content: choice.logprobs.map(toTokenLogprob), refusal: null } : null,
        finish_reason: choice.finish?.reason ?? null,
        ...stopFields(choice.finish),
      })),
      usage: toUsage(
        choices.flatMap(({ finish }) => finish ?? []),
        choices.length,
      ),
      ...(choices[0]?.prefix && { diagnostics: toDiagnostics(choices.flatMap(({ prefix }) => prefix ?? [])) }),
    }),
  };
}

function addTo(choice: Choice, event: ChatEvent): void {
  choice.logprobs.push(...(likelihoodsOf(event) ?? []));
  if (event.type === "text") choice.text += event.text;
  else if (event.type === "reasoning") choice.reasoning += event.text;
  else if (event.type === "tool-call") choice.calls[event.index] = { id: event.id, name: event.name, arguments: "" };
  else if (event.type === "tool-arguments") choice.calls[event.index]!.arguments += event.text;
  else if (event.type === "finish") choice.finish = event;
  else if (event.type === "start" && event.prefix) choice.prefix = event.prefix;
}

function toMessage({ text, reasoning, calls }: Choice, custom: ReadonlySet<string>) {
  return {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    ...(reasoning && { reasoning, reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls.map(call => toToolCall(call, custom)) }),
    refusal: null,
  };
}

/** Role chunks, deltas, a finish chunk per choice, the usage when asked for, and the end mark. */
export function chatFrames(head: Head, { choices, includeUsage }: FrameOptions, custom: ReadonlySet<string> = none): Frames {
  const object = "chat.completion.chunk";
  const prefix = chunkPrefix(object, head, includeUsage);
  const finishes: FinishEvent[] = [];
  const calls = new CallDeltas(custom);
  const frame = (choice: number, delta: string, rest: string) => `${prefix}[{"index":${choice},"delta":${delta},${rest}}]}\n\n`;
  const running = `"logprobs":null,"finish_reason":null`;
  const runningWith = (tokens: readonly TextLogprob[] | undefined): string =>
    tokens ? `"logprobs":${JSON.stringify({ content: tokens.map(toTokenLogprob), refusal: null })},"finish_reason":null` : running;
  const callFrame = (choice: number, call: object) => frame(choice, `{"tool_calls":[${JSON.stringify(call)}]}`, running);

  return {
    open: () => Array.from({ length: choices }, (_, choice) => frame(choice, `{"role":"assistant","content":"","refusal":null}`, running)).join(""),
    event(event) {
      const { choice } = event;
      switch (event.type) {
        case "start":
          return event.prefix ? diagnosticsFrame(prefix, event.prefix) : "";
        case "text":
          return frame(choice, `{"content":${JSON.stringify(event.text)}}`, runningWith(event.logprobs));
        case "reasoning": {
          const text = JSON.stringify(event.text);
          return frame(choice, `{"reasoning":${text},"reasoning_content":${text}}`, runningWith(event.logprobs));
        }
        case "tool-call":
          return callFrame(choice, calls.begin(event));
        case "tool-arguments": {
          const call = calls.write(event);
          return call ? callFrame(choice, call) : "";
        }
        case "logprobs":
          return frame(choice, "{}", runningWith(event.tokens));
        case "finish": {
          finishes.push(event);
          const stop = JSON.stringify(stopFields(event)).slice(1, -1);
          const held = calls.end(choice).map(call => callFrame(choice, call));
          return held.join("") + frame(choice, "{}", `"logprobs":null,"finish_reason":"${event.reason}",${stop}`);
        }
      }
    },
    close: () => (includeUsage ? usageFrame(object, head, finishes, choices) : "") + done,
    fail: failedEnd,
    keepAlive: () => comment,
  };
}
