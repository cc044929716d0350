// Runs a chat template under limits. A template comes with a model from anywhere and is trusted neither for time nor for memory: every step is
// counted, every value is weighed, and the few operations that can make something huge in one step are checked before they run.
import type { Environment } from "@huggingface/jinja";
import {
  callArguments,
  constant,
  DialectInterpreter,
  filterName,
  isList,
  isTable,
  toFunction,
  type FunctionValue,
  type Node,
  type Value,
} from "./template-dialect.ts";
import { TemplateError } from "./error.ts";

export interface Limits {
  readonly steps: number;
  readonly characters: number; // of any one text
  readonly weight: number; // of any one list or object, with all it holds
  readonly produced: number; // characters and entries made by all steps together
  readonly milliseconds: number; // what the other limits are meant to hold; a last resort
}

/** Grows with what the client sent, so that only a template that works against it is stopped. Some honest ones look back from every message. */
export function limitsFor(inputCharacters: number, messages: number): Limits {
  return {
    steps: 1_000_000 + 5 * inputCharacters + 40 * messages ** 2,
    characters: 2_000_000 + 4 * inputCharacters,
    weight: 2_000_000 + 16 * inputCharacters,
    produced: 50_000_000 + 100 * inputCharacters,
    milliseconds: Math.min(10_000, 1_500 + inputCharacters / 1_000 + messages ** 2 / 200),
  };
}

export const longestRange = 100_000;
const deepest = 200; // lists in lists
const deepestCall = 1_500; // expressions in expressions, macros in macros
const widestIndent = 32;
const perRound = 10; // steps: each round of a loop makes two scopes before its body runs

/** Operations that copy: their results count as produced. */
const makers = new Set(["BinaryExpression", "FilterExpression", "CallExpression", "For", "If", "Program", "CallStatement", "FilterStatement"]);

export class LimitedInterpreter extends DialectInterpreter {
  private steps = 0;
  private level = 0;
  private produced = 0;
  private readonly deadline: number;
  private readonly weights = new WeakMap<object, Weight>();

  constructor(
    scope: Environment,
    private readonly limits: Limits,
  ) {
    super(scope);
    this.deadline = performance.now() + limits.milliseconds;
  }

  override evaluate(node: Node | undefined, scope: Environment): Value {
    this.step(1);
    if (this.level >= deepestCall) throw new TemplateError("the chat template nests too deep");
    this.level++;
    try {
      const value = super.evaluate(node, scope);
      if (node) this.check(node, value);
      return value;
    } finally {
      this.level--;
    }
  }

  /** Arguments are computed first, so that the result's size can be told before it is made. */
  override applyFilter(operand: Value, filter: Node, scope: Environment): Value {
    const name = filterName(filter);
    if (name === "tojson" || name === "string" || name === "sort" || name === "dictsort") this.step(this.weigh(operand, 0).size / 8);
    if (filter.type !== "CallExpression" || !["indent", "join", "tojson"].includes(name)) return super.applyFilter(operand, filter, scope);
    const [args, named] = this.evaluateArguments(callArguments(filter), scope);
    this.checkFilter(name, operand, [...args, ...named.values()]);
    const settled = [...args.map(constant), ...Array.from(named, ([key, value]) => keyword(key, value))];
    return super.applyFilter(operand, { ...filter, args: settled } as Node, scope);
  }

  /** `text.replace` and the like are functions that hide the text they belong to. */
  override evaluateMemberExpression(node: Node, scope: Environment): Value {
    const owner = this.evaluate((node as Node & { object: Node }).object, scope);
    const isSlice = (node as Node & { property: Node }).property.type === "SliceExpression";
    if (isSlice && owner.type === "StringValue") this.step((owner.value as string).length / 16); // it takes the whole text apart
    const value = super.evaluateMemberExpression({ ...node, object: constant(owner) } as Node, scope);
    if (value.type !== "FunctionValue" || owner.type !== "StringValue") return value;
    const text = owner.value as string;
    const original = value as FunctionValue;
    return toFunction((args, inner) => {
      this.step(text.length / 64);
      const [from, to] = args;
      if (from?.type === "StringValue" && to?.type === "StringValue") this.checkReplace(text, from.value as string, to.value as string);
      const longest = Math.max(0, ...args.map(argument => this.weigh(argument, 0).size));
      if ((text.split("{").length - 1) * longest > 8 * this.limits.characters) throw tooMuch(); // of format
      return original.value(args, inner);
    });
  }

  private step(count: number): void {
    this.steps += count;
    if (this.steps > this.limits.steps) throw new TemplateError("the chat template takes too many steps");
    if (performance.now() > this.deadline) throw new TemplateError("the chat template takes too long");
  }

  private check(node: Node, value: Value): void {
    const makes = makers.has(node.type);
    if (value.type === "StringValue") {
      const length = (value.value as string).length;
      if (length > this.limits.characters) throw tooMuch();
      if (length > 1_000) this.step(length / 1_000); // whoever asked for it may read it all
      if (makes) this.produce(node.type === "BinaryExpression" ? length / 64 : length); // the engine joins texts without copying
    } else if (isList(value)) {
      this.weigh(value, 0);
      if (makes) this.produce(16 * value.value.length);
      if (this.loopSources.has(node)) this.step(perRound * value.value.length);
    } else if (isTable(value)) this.weigh(value, 0);
  }

  private produce(amount: number): void {
    this.produced += amount;
    if (this.produced > this.limits.produced) throw tooMuch();
  }

  private checkFilter(name: string, operand: Value, args: readonly Value[]): void {
    const widest = Math.max(0, ...args.map(argument => (argument.type === "IntegerValue" ? Number(argument.value) : 0)));
    if (name !== "join" && widest > widestIndent) throw new TemplateError(`the chat template indents by ${widest}`);
    const { size, depth } = this.weigh(operand, 0);
    const texts = args.flatMap(argument => (isList(argument) ? argument.value : [argument])).filter(argument => argument.type === "StringValue");
    const perEntry = texts.reduce((sum, text) => sum + (text.value as string).length, 0) + widest * (depth + 1);
    const entries = name === "tojson" ? size : name === "join" && isList(operand) ? operand.value.length : lines(operand);
    if (size + entries * perEntry > 8 * this.limits.characters) throw tooMuch();
  }

  private checkReplace(text: string, from: string, to: string): void {
    if (from.length > 1 && text.length * from.length > 1_000_000_000) throw new TemplateError("the chat template takes too many steps");
    if (to.length <= from.length) return;
    const most = from === "" ? text.length + 1 : text.length / from.length;
    if (text.length + most * to.length <= this.limits.characters) return; // the usual case, without looking
    const times = from === "" ? text.length + 1 : text.split(from).length - 1;
    if (text.length + times * to.length > this.limits.characters) throw tooMuch();
  }

  /** How much a value is when written out. Remembered, except where a namespace inside can still change. */
  private weigh(value: Value, level: number): Weight {
    if (value.type === "StringValue") return { size: 2 + (value.value as string).length, depth: 0, fixed: true };
    if (!isList(value) && !isTable(value)) return single;
    const known = this.weights.get(value);
    if (known) return known;
    if (level > deepest) throw new TemplateError("the chat template nests values too deep");
    let size = 2;
    let depth = 0;
    let fixed = value.type !== "NamespaceValue";
    const take = (inner: Value, name: string) => {
      const weight = this.weigh(inner, level + 1);
      size += name.length + 4 + weight.size;
      depth = Math.max(depth, weight.depth + 1);
      fixed &&= weight.fixed;
      if (size > this.limits.weight) throw tooMuch();
    };
    if (isList(value)) for (const inner of value.value) take(inner, "");
    else for (const [name, inner] of value.value) take(inner, name);
    if (!fixed) this.step(1);
    if (depth > deepest) throw new TemplateError("the chat template nests values too deep");
    const weight = { size, depth, fixed };
    if (fixed) this.weights.set(value, weight);
    return weight;
  }
}

interface Weight {
  readonly size: number;
  readonly depth: number;
  readonly fixed: boolean;
}

const single: Weight = { size: 8, depth: 0, fixed: true };

function tooMuch(): TemplateError {
  return new TemplateError("the chat template makes too much text");
}

function keyword(key: string, value: Value): Node {
  return { type: "KeywordArgumentExpression", key: { type: "Identifier", value: key }, value: constant(value) } as Node;
}

function lines(value: Value): number {
  return value.type === "StringValue" ? (value.value as string).split("\n").length : 0;
}
