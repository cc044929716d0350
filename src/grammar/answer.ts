// A whole answer under constraints: reasoning first where the model reasons, then text, tool calls, or whatever is asked for.
import type { Constraint, Tool } from "../chat/types.ts";
import type { CallSyntax } from "../parsers/syntax.ts";
import type { ReasoningFormat } from "../parsers/types.ts";
import { naming, type Budget } from "./error.ts";
import { readGrammar } from "./grammar-text.ts";
import { inJsonString } from "./json-string.ts";
import { listed, objectRule, pair } from "./json.ts";
import { argumentsOf, call, choice, oneOf, optional, repeat, rule, sequence, star, text, type Node } from "./node.ts";
import { fullMatch } from "./regex.ts";
import { parametersNode } from "./parameters.ts";
import { schemaNode } from "./schema/compile.ts";
import { freeText, type Write } from "./writing.ts";

export interface AnswerForm {
  /** What the content is held to; absent: any text. */
  readonly constraint?: Constraint | undefined;
  readonly calls?: CallsForm | undefined;
  readonly reasoning?: ReasoningForm | undefined;
}

export interface CallsForm {
  readonly format: string;
  readonly syntax: CallSyntax; // the model's own way of writing calls
  readonly tools: readonly Tool[];
  readonly required: boolean; // nothing but calls
  readonly most: number; // calls in one answer
}

export interface ReasoningForm {
  readonly open: string;
  readonly close: string;
  readonly isOpen: boolean; // the prompt has opened it
  readonly allowed: boolean; // the model may open it
  readonly headers: ReasoningFormat["headers"];
}

export function answerNode({ constraint, calls, reasoning }: AnswerForm, write: Write, budget: Budget): Node {
  const until = (text: string): Node => freeText(text, write, budget);
  const all = calls && callsNode(calls, write, budget);
  if (calls && !calls.required && !constraint) return amongFreeText(all!, until(opening(calls)), reasoning, until, write);
  const content = constraint && sequence(write(reasoning?.headers?.content ?? ""), constraintNode(constraint, budget));
  const answer = content && !calls?.required ? (all ? choice([content, all]) : content) : all!;
  if (!reasoning) return answer;
  const { open, close, isOpen, allowed, headers } = reasoning;
  const block = sequence(until(close), write(close), repeat(oneOf("\n "), 0, 3), write(headers?.behind ?? ""));
  if (isOpen) return sequence(block, answer);
  return allowed ? sequence(optional(sequence(write(open), block)), answer) : answer;
}

/** Calls wherever the model wants some, and free text around them. It may reason as often as it likes, but makes no calls while it does. */
function amongFreeText(all: Node, free: Node, reasoning: ReasoningForm | undefined, until: (text: string) => Node, write: Write): Node {
  if (!reasoning) return sequence(free, star(sequence(all, free)));
  const { open, close, isOpen, headers } = reasoning;
  if (headers) {
    const message = choice([all, sequence(choice([open, headers.content, headers.aside].map(write)), free)]);
    return sequence(isOpen ? free : choice([message, free]), star(sequence(write(close), write(headers.behind), message)));
  }
  const rest = sequence(until(close), write(close), free);
  const answer = star(choice([sequence(all, free), sequence(write(open), rest)]));
  return sequence(isOpen ? rest : free, answer);
}

function constraintNode(constraint: Constraint, budget: Budget): Node {
  switch (constraint.type) {
    case "json-schema":
      return schemaNode(constraint.schema, budget);
    case "json-object":
      return call(objectRule);
    case "regex":
      return fullMatch(constraint.pattern, budget);
    case "choice":
      budget.spend(constraint.choices.reduce((sum, each) => sum + 10 * each.length, 0));
      return choice(constraint.choices.map(text));
    case "grammar":
      return readGrammar(constraint.text, budget);
  }
}

function callsNode({ syntax, tools, most }: CallsForm, write: Write, budget: Budget): Node {
  const { open = "", between, close = "", before, after, parameters } = syntax;
  const one = rule(
    "call",
    choice(
      tools.map(tool => {
        const given = parameters ? parametersNode(tool, parameters, write, budget) : argumentsNode(tool, budget);
        return sequence(write(before(tool.name)), argumentsOf(tool.name, given), write(after));
      }),
    ),
  );
  return sequence(write(open), call(one), repeat(sequence(write(between), call(one)), 0, most - 1), write(close));
}

/** What every answer's calls begin with. */
function opening({ syntax, tools }: CallsForm): string {
  return syntax.open || commonStart(tools.map(tool => syntax.before(tool.name)));
}

/** The arguments as one JSON object. */
function argumentsNode(tool: Tool, budget: Budget): Node {
  return naming(tool.name, () => {
    if (!tool.input) return schemaNode(tool.parameters ?? { type: "object", properties: {} }, budget);
    return listed("{", pair(text('"input"'), sequence(text('"'), inputNode(tool.input, budget), text('"'))), "}");
  });
}

function inputNode(input: Constraint, budget: Budget): Node {
  if (input.type === "regex") return fullMatch(input.pattern, budget, inJsonString);
  return inJsonString(constraintNode(input, budget));
}

function commonStart(texts: readonly string[]): string {
  let length = 0;
  while (texts.every(each => each[length] !== undefined && each[length] === texts[0]![length])) length++;
  return texts[0]!.slice(0, length);
}
