// The dialect-free chat: what every wire format decodes to and is encoded from.
import type { RepetitionPolicy, Sampling, TokenLogprob } from "../engine/protocol.ts";

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string; // JSON text as the model or the client wrote it
}

export type Message =
  | { readonly role: "system" | "developer" | "user"; readonly content: string; readonly name?: string }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly reasoning?: string;
      readonly toolCalls?: readonly ToolCall[];
      readonly name?: string;
    }
  | { readonly role: "tool"; readonly content: string; readonly toolCallId: string; readonly name?: string };

export interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, unknown>>; // JSON schema
  readonly strict?: boolean; // its arguments are held to the schema
  readonly input?: Constraint; // its only parameter, `input`, is a text held to this
}

/**
 * What the answer is held to while it is decoded. `field` is the request's field that asked for it, for errors. A schema is JSON Schema;
 * a grammar is Lark or EBNF (GBNF), told apart by its text.
 */
export type Constraint = { readonly field: string } & (
  | { readonly type: "json-schema"; readonly schema: unknown }
  | { readonly type: "json-object" }
  | { readonly type: "regex"; readonly pattern: string } // matches the whole text
  | { readonly type: "choice"; readonly choices: readonly string[] }
  | { readonly type: "grammar"; readonly text: string }
);

/** "required" and a name are enforced while decoding. */
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

/** What steers decoding, common to chat and plain completions. `undefined` means: the server's default. */
export interface Generation {
  readonly sampling: Partial<Sampling>;
  readonly maxTokens?: number;
  readonly minTokens?: number;
  readonly ignoreEos?: boolean;
  readonly repetition?: RepetitionPolicy; // the client's wish; who is not trusted gets the server's
  readonly priority?: number; // lower is served first
  readonly user?: string; // whose requests these are: users get equal shares
  readonly stop: readonly string[]; // none empty; the earliest match ends the text, before the match
  readonly stopIds: readonly number[];
  readonly logprobs?: number; // alternatives per token
  readonly thinkingBudget?: number; // most tokens of reasoning
  readonly constraint?: Constraint; // of what comes after reasoning; a tool call may come in its place
  readonly diagnose?: boolean; // `start` comes with a report on stored prefixes
}

export interface ChatRequest {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly parallelToolCalls: boolean;
  readonly templateOptions: Readonly<Record<string, unknown>>; // enable_thinking and other variables of the template
  readonly generation: Generation;
  readonly choices: number; // n
  readonly continues?: boolean; // the last message is the beginning of the answer
}

export interface CompletionRequest {
  readonly prompts: readonly (string | readonly number[])[];
  readonly echo: boolean;
  readonly promptLogprobs?: number; // set when echo and logprobs are both asked for
  readonly generation: Generation;
  readonly choices: number; // n, for each prompt
  readonly candidates?: number; // best_of: so many are written for each prompt, and the likeliest are the choices
  readonly suffix?: string; // the answer fills the gap between prompt and this
}

export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number; // the end-of-sequence token included
  readonly reasoningTokens: number;
}

/** A token as a client sees it: its text, its bytes (an incomplete character has no own text), its likelihood. */
export interface TextLogprob {
  readonly token: TokenLogprob | null; // null for the first id of an echoed prompt, which nothing came before
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly top: readonly { readonly id: number; readonly text: string; readonly bytes: Uint8Array; readonly logprob: number }[];
  readonly offset?: number; // code points of the choice's text before this token
}

export type ChatFinish = "stop" | "length" | "tool_calls";

/** What of a prompt was found stored, and where it left the stored chain that goes along with it furthest. */
export interface PrefixReport {
  readonly contextTokens: number; // prompt and answer together have that many at most
  readonly promptTokens: number;
  readonly cachedTokens: number; // not computed again
  readonly sharedTokens: number; // in common with that chain
  /** Absent when all of the prompt is stored. */
  readonly left?: {
    readonly token: number; // index
    readonly message?: number; // index; the number of messages for what the template writes behind them
    readonly prompt: string; // the token's text
    readonly stored?: string; // that of the stored one in its place; absent where the chain ends
  };
}

/**
 * What happens to one choice, in order. Text never ends inside a character, and has the likelihoods of its tokens with it where they are known by
 * then. Exactly one `finish` is the last event of each choice.
 */
export type ChatEvent =
  | { readonly type: "start"; readonly choice: number; readonly promptTokens: number; readonly cachedTokens: number; readonly prefix?: PrefixReport }
  | { readonly type: "text"; readonly choice: number; readonly text: string; readonly logprobs?: readonly TextLogprob[] }
  | { readonly type: "reasoning"; readonly choice: number; readonly text: string; readonly logprobs?: readonly TextLogprob[] }
  | { readonly type: "tool-call"; readonly choice: number; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: "tool-arguments"; readonly choice: number; readonly index: number; readonly text: string }
  | { readonly type: "logprobs"; readonly choice: number; readonly tokens: readonly TextLogprob[] }
  | {
      readonly type: "finish";
      readonly choice: number;
      readonly reason: ChatFinish;
      readonly stopString?: string;
      readonly repetition?: string;
      readonly usage: Usage;
    };

export type FinishEvent = Extract<ChatEvent, { type: "finish" }>;
