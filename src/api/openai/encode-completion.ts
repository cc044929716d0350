// ChatEvents of plain completions → a text_completion object, or frames of the same name.
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
import { toLogprob } from "../logprob.ts";

interface Choice {
  text: string;
  readonly logprobs: TextLogprob[];
  prefix?: PrefixReport;
  finish?: FinishEvent;
}

export function completionAnswer(head: Head, withLogprobs: boolean, choicesPerPrompt: number): Answer {
  const choices: Choice[] = [];
  return {
    add: event => addTo((choices[event.choice] ??= { text: "", logprobs: [] }), event),
    body: () => ({
      id: head.id,
      object: "text_completion",
      created: head.created,
      model: head.model,
      system_fingerprint: head.fingerprint,
      choices: choices.map((choice, index) => ({
        index,
        text: choice.text,
        logprobs: withLogprobs ? toLogprobs(choice.logprobs) : null,
        finish_reason: choice.finish?.reason ?? null,
        ...stopFields(choice.finish),
      })),
      usage: toUsage(
        choices.flatMap(({ finish }) => finish ?? []),
        choicesPerPrompt,
      ),
      ...(choices[0]?.prefix && { diagnostics: toDiagnostics(choices.flatMap(({ prefix }) => prefix ?? [])) }),
    }),
  };
}

function addTo(choice: Choice, event: ChatEvent): void {
  choice.logprobs.push(...(likelihoodsOf(event) ?? []));
  if (event.type === "text") choice.text += event.text;
  else if (event.type === "finish") choice.finish = event;
  else if (event.type === "start" && event.prefix) choice.prefix = event.prefix;
}

/** Parallel lists, as this older form has them. The first token of an echoed prompt has no likelihood: nothing came before it. */
function toLogprobs(tokens: readonly TextLogprob[]) {
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ token }) => token && toLogprob(token.logprob)),
    top_logprobs: tokens.map(likelihoods),
    text_offset: tokens.map(({ offset }) => offset ?? 0),
  };
}

/** The alternatives by their text; the token itself is always among them. */
function likelihoods({ token, text, top }: TextLogprob): Record<string, number> | null {
  return token && Object.fromEntries([[text, toLogprob(token.logprob)], ...top.map(other => [other.text, toLogprob(other.logprob)] as const)]);
}

export function completionFrames(head: Head, { choices, choicesPerPrompt, includeUsage }: FrameOptions): Frames {
  const object = "text_completion";
  const prefix = chunkPrefix(object, head, includeUsage);
  const finishes: FinishEvent[] = [];
  const frame = (choice: number, text: string, logprobs: string, rest: string) =>
    `${prefix}[{"index":${choice},"text":${text},"logprobs":${logprobs},${rest}}]}\n\n`;

  return {
    open: () => Array.from({ length: choices }, (_, choice) => frame(choice, `""`, "null", `"finish_reason":null`)).join(""),
    event(event) {
      const { choice } = event;
      switch (event.type) {
        case "start":
          return event.prefix ? diagnosticsFrame(prefix, event.prefix) : "";
        case "text":
          return frame(
            choice,
            JSON.stringify(event.text),
            event.logprobs ? JSON.stringify(toLogprobs(event.logprobs)) : "null",
            `"finish_reason":null`,
          );
        case "logprobs":
          return frame(choice, `""`, JSON.stringify(toLogprobs(event.tokens)), `"finish_reason":null`);
        case "finish":
          finishes.push(event);
          return frame(choice, `""`, "null", `"finish_reason":"${event.reason}",${JSON.stringify(stopFields(event)).slice(1, -1)}`);
        default:
          return ""; // plain completions have no reasoning and no tools
      }
    },
    close: () => (includeUsage ? usageFrame(object, head, finishes, choicesPerPrompt) : "") + done,
    fail: failedEnd,
    keepAlive: () => comment,
  };
}
