// A model's chat template, compiled once: variables in, prompt text out, or a TemplateError. What the messages look like is the caller's business.
import { Environment, parse, tokenize } from "@huggingface/jinja";
import { TemplateError, TokenizerError } from "./error.ts";
import type { TemplateSources } from "./template-files.ts";
import { LimitedInterpreter, limitsFor, longestRange } from "./template-limits.ts";
import { messageOf } from "../util/message-of.ts";

export interface TemplateInput {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly tools: readonly Readonly<Record<string, unknown>>[]; // none: the variable is left undefined, which is what templates ask for
  readonly variables: Readonly<Record<string, unknown>>; // enable_thinking and the like
}

export interface TemplateTokens {
  readonly bosToken?: string | undefined;
  readonly eosToken?: string | undefined;
}

type Program = ReturnType<typeof parse>;

const longestTemplate = 300_000; // characters; the largest known have 17,000
const longestBlank = 1_000; // blank characters in a row: the library's lexer takes their square

export class ChatTemplate {
  private readonly programs = new Map<string, Program>();

  /** Throws TokenizerError when a template cannot be parsed; `origin` is the file or folder that it then names. */
  constructor(
    readonly sources: TemplateSources,
    readonly tokens: TemplateTokens,
    origin = "",
  ) {
    for (const [name, source] of Object.entries(sources))
      this.programs.set(name, compile(`${origin && `${origin}: `}the chat template "${name}"`, source));
  }

  /** The text of the template that answers requests with or without tools. */
  source(withTools: boolean): string {
    return (withTools ? this.sources["tool_use"] : undefined) ?? this.sources.default;
  }

  /** Whether the text of any of the templates matches; how conventions are recognised. */
  mentions(pattern: RegExp): boolean {
    return Object.values(this.sources).some(source => pattern.test(source));
  }

  /** Ends within about a second whatever the template does. Throws TemplateError. */
  render(input: TemplateInput): string {
    const withTools = input.tools.length > 0;
    const program = (withTools ? this.programs.get("tool_use") : undefined) ?? this.programs.get("default");
    if (!program) throw new TemplateError("there is no chat template named default");
    try {
      const scope = new Environment();
      setVariables(scope, { add_generation_prompt: true, ...input.variables, ...this.given(input), ...functions });
      const inputCharacters = JSON.stringify([input.messages, input.tools, input.variables]).length;
      const result = new LimitedInterpreter(scope, limitsFor(inputCharacters, input.messages.length)).evaluate(
        program as unknown as { type: string },
        scope,
      );
      return String(result.value);
    } catch (error) {
      throw toTemplateError(error);
    }
  }

  private given(input: TemplateInput): Record<string, unknown> {
    return {
      messages: input.messages,
      ...(input.tools.length > 0 && { tools: input.tools }),
      bos_token: this.tokens.bosToken ?? "",
      eos_token: this.tokens.eosToken ?? "",
    };
  }
}

/** The client's variables cannot take the place of these. */
const functions: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (message: unknown) => {
    throw new TemplateError(String(message));
  },
  range: boundedRange,
  strftime_now: (format: unknown) => formatTime(new Date(), String(format).slice(0, 1000)),
};

function setVariables(scope: Environment, variables: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(variables)) if (name !== "namespace") scope.set(name, value);
}

function compile(name: string, source: string): Program {
  if (source.length > longestTemplate) throw new TokenizerError(`${name} has ${source.length} characters`);
  if (longestRun(source) > longestBlank) throw new TokenizerError(`${name} has more than ${longestBlank} blank characters in a row`);
  try {
    return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (error) {
    throw new TokenizerError(`${name} cannot be parsed: ${messageOf(error)}`);
  }
}

function longestRun(source: string): number {
  return (source.match(/\s+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

function toTemplateError(error: unknown): TemplateError {
  if (error instanceof TemplateError) return error;
  if (error instanceof RangeError) return new TemplateError("the chat template nests too deep or makes too much text");
  return new TemplateError(messageOf(error));
}

/** Python's range, with an end to its length. */
function boundedRange(first: unknown, second: unknown, third: unknown): number[] {
  const [start, stop] = second === undefined || second === null ? [0, first] : [first, second];
  const step = third === undefined || third === null ? 1 : third;
  if (!Number.isInteger(start) || !Number.isInteger(stop) || !Number.isInteger(step) || step === 0)
    throw new TemplateError("range() takes whole numbers, and a step that is not 0");
  const [from, to, by] = [start as number, stop as number, step as number];
  const length = Math.max(0, Math.ceil((to - from) / by));
  if (length > longestRange) throw new TemplateError(`the chat template counts to ${length}`);
  return Array.from({ length }, (_, index) => from + index * by);
}

const english = (options: Intl.DateTimeFormatOptions, date: Date) => new Intl.DateTimeFormat("en-US", options).format(date);
const twoDigits = (value: number) => String(value).padStart(2, "0");

/** The parts of C's strftime that templates use, in local time and English. */
function formatTime(date: Date, format: string): string {
  const hours = date.getHours() % 12 || 12;
  const dayOfYear = Math.round(
    (new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() - new Date(date.getFullYear(), 0, 0).getTime()) / 86_400_000,
  );
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    y: () => twoDigits(date.getFullYear() % 100),
    m: () => twoDigits(date.getMonth() + 1),
    d: () => twoDigits(date.getDate()),
    e: () => String(date.getDate()).padStart(2, " "),
    b: () => english({ month: "short" }, date),
    B: () => english({ month: "long" }, date),
    a: () => english({ weekday: "short" }, date),
    A: () => english({ weekday: "long" }, date),
    H: () => twoDigits(date.getHours()),
    I: () => twoDigits(hours),
    M: () => twoDigits(date.getMinutes()),
    S: () => twoDigits(date.getSeconds()),
    p: () => (date.getHours() < 12 ? "AM" : "PM"),
    j: () => String(dayOfYear).padStart(3, "0"),
    "%": () => "%",
  };
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole, unpadded: string, name: string) => {
    const text = parts[name]?.();
    return text === undefined ? whole : unpadded ? text.replace(/^[0 ]+(?=.)/, "") : text;
  });
}
