// What a format of tool calls or of reasoning is, so that one more is one file and one line in registry.ts.
//
// The text of an answer passes two machines: tool calls are taken out first, wherever they stand; what is left is split into reasoning and
// content. So a call inside a reasoning block is a call, and a marker inside a call's arguments is part of the arguments.
//
// Machines are fed pieces in any cut and hold back only what they cannot decide yet. What they say, joined, must not depend on the cut.

import type { CallSyntax } from "./syntax.ts";
import type { WrittenCall } from "./write.ts";

/** Text as it comes from the model. */
export interface Piece {
  readonly text: string;
  /** The whole piece is one added token of the vocabulary, such as `</think>` written as a token rather than spelled. */
  readonly token: boolean;
}

export type ToolEvent =
  | { readonly type: "text"; readonly text: string; readonly token: boolean }
  | { readonly type: "call"; readonly name: string; readonly id?: string } // the id where the model writes one
  | { readonly type: "arguments"; readonly text: string } // of the last call; all together as the model wrote it
  | { readonly type: "call-end"; readonly valid: boolean }; // whether its arguments are a JSON object

export interface ToolParser {
  feed(piece: Piece): ToolEvent[];
  /** The text is over: everything held back comes out, as text where it made no call. */
  end(): ToolEvent[];
}

export type ReasoningEvent = { readonly type: "text" | "reasoning"; readonly text: string };

export interface ReasoningParser {
  /** Whether what comes next is reasoning, as far as is known. */
  readonly reasoning: boolean;
  feed(piece: Piece): ReasoningEvent[];
  /** A tool call stands here in the text. */
  call(): ReasoningEvent[];
  end(): ReasoningEvent[];
}

/** A tool as far as a format may want to know it: some write values without types, and the schema tells. */
export interface ToolSchema {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface FormatHints {
  /** The model's chat template. */
  readonly template: string;
  /** Whether the vocabulary has this as an added token. */
  readonly hasToken: (content: string) => boolean;
}

export interface OpenOptions {
  /** Those of the format's markers that are added tokens here: spelled out in ordinary tokens they are ordinary text. */
  readonly tokens: ReadonlySet<string>;
}

interface Format {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly markers: readonly string[];
  /** Whether a model with this template writes this format. */
  readonly detect: (hints: FormatHints) => boolean;
}

export type CallIds = "call" | "mistral" | "kimi";

export interface ToolFormat extends Format {
  readonly open: (options: OpenOptions & { readonly tools: readonly ToolSchema[] }) => ToolParser;
  /** How ids look that the model's template takes; "call" when absent. */
  readonly ids?: CallIds;
  /** Tokens at which an answer with tools ends. */
  readonly stops?: readonly string[];
  /** One way in which calls are written that this format reads: where decoding is held to it, and in the history of models without tools. */
  readonly syntax: CallSyntax;
  /** How a history shows calls, where models know another way than that. */
  readonly history?: (calls: readonly WrittenCall[]) => string;
}

/** What reasoning is written between. */
export interface ReasoningBlock {
  readonly open: string;
  readonly close: string; // where it is one token, thinking can be counted and ended while it is written
  readonly ending: string; // what a model that must stop thinking is made to write
}

export interface ReasoningFormat extends Format {
  /** Whether a prompt that ends like this leaves the model inside its reasoning. */
  readonly startsOpen: (prompt: string) => boolean;
  readonly open: (options: OpenOptions & { readonly startsOpen: boolean }) => ReasoningParser;
  readonly block: ReasoningBlock;
  /** Markup that every answer has: between one message and the next, before content, and before words on the way to a call. */
  readonly headers?: { readonly behind: string; readonly content: string; readonly aside: string } | undefined;
}
