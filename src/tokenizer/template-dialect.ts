// @huggingface/jinja's interpreter with what templates written for Python's Jinja rely on and it lacks: undefined values are empty where
// they are read, tuples are lists, and a few filters and methods. The interpreter walks the syntax tree through `evaluate`, which is
// overridden here together with methods that its types call private; test/tokenizer/template-limits.test.ts fails when they are renamed.
import { Environment, Interpreter } from "@huggingface/jinja";

export interface Value {
  readonly type: string;
  readonly value: unknown;
}

type ListValue = Value & { readonly value: readonly Value[] };
type TableValue = Value & { readonly value: ReadonlyMap<string, Value> };
type Call = (args: Value[], scope: Environment) => Value;
export type FunctionValue = Value & { readonly value: Call };

export interface Node {
  readonly type: string;
}

interface Internals {
  evaluate(node: Node | undefined, scope: Environment): Value;
  applyFilter(operand: Value, filter: Node, scope: Environment): Value;
  evaluateArguments(args: readonly Node[], scope: Environment): [Value[], Map<string, Value>];
  evaluateMemberExpression(node: Node, scope: Environment): Value;
}

/** A value that was already computed, in the place of the expression that gave it. */
export function constant(value: Value): Node {
  return { type: "PippinConstant", value } as Node;
}

// The library does not export the classes of its values.
const classOf = (value: unknown) => value?.constructor as new (value: unknown) => Value;
const List = classOf(new Environment().set("value", []));
const Text = classOf(new Environment().set("value", ""));
const Function = classOf(new Environment().lookupVariable("namespace"));

const toList = (values: readonly Value[]): Value => new List(values);
const toText = (text: string): Value => new Text(text);
export const toFunction = (call: Call): Value => new Function(call);

export function isList(value: Value): value is ListValue {
  return Array.isArray(value.value);
}

export function isTable(value: Value): value is TableValue {
  return value.value instanceof Map;
}

const listFilters = new Set(["list", "join", "sort", "unique", "reverse", "map", "selectattr", "rejectattr", "items", "length", "first", "last"]);
const textFilters = new Set(["trim", "upper", "lower", "title", "capitalize", "string", "replace", "indent"]);

const Base = Interpreter as unknown as new (scope: Environment) => Internals;

export class DialectInterpreter extends Base {
  protected readonly loopSources = new WeakSet<Node>();

  override evaluate(node: Node | undefined, scope: Environment): Value {
    if (node?.type === "PippinConstant") return (node as Node & { value: Value }).value;
    if (node?.type === "For") this.loopSources.add(loopSource(node));
    const value = super.evaluate(node, scope);
    if (value.type === "TupleValue") return toList(value.value as Value[]); // which the library can neither unpack nor write as JSON
    return value.type === "UndefinedValue" && node && this.loopSources.has(node) ? toList([]) : value;
  }

  override applyFilter(operand: Value, filter: Node, scope: Environment): Value {
    const name = filterName(filter);
    const isUndefined = operand.type === "UndefinedValue";
    if ((isUndefined || operand.type === "NullValue") && listFilters.has(name)) return this.applyFilter(toList([]), asCall(filter, name), scope);
    if (isUndefined && textFilters.has(name)) return super.applyFilter(toText(""), filter, scope);
    if (isTable(operand) && name === "string") return toText(String(operand));
    if (isList(operand) && (name === "min" || name === "max")) return extreme(operand, name);
    if (isList(operand) && filter.type === "CallExpression" && callArguments(filter).length === 0)
      return super.applyFilter(operand, plain(filter), scope);
    return super.applyFilter(operand, filter, scope);
  }

  override evaluateMemberExpression(node: Node, scope: Environment): Value {
    const { computed, property } = node as Node & { computed: boolean; property: { value: unknown } };
    const value = super.evaluateMemberExpression(node, scope);
    if (value.type !== "UndefinedValue" || computed || property.value !== "format") return value;
    const owner = this.evaluate((node as Node & { object: Node }).object, scope);
    return owner.type === "StringValue" ? toFunction(args => format(String(owner.value), args)) : value;
  }
}

function loopSource(node: Node): Node {
  const { iterable } = node as Node & { iterable: Node & { lhs: Node } };
  return iterable.type === "SelectExpression" ? iterable.lhs : iterable;
}

export function filterName(filter: Node): string {
  const { value, callee } = filter as Node & { value?: unknown; callee?: { value?: unknown } };
  return String(filter.type === "CallExpression" ? callee?.value : value);
}

export function callArguments(filter: Node): readonly Node[] {
  return filter.type === "CallExpression" ? (filter as Node & { args: readonly Node[] }).args : [];
}

/** `x | first()` as `x | first`, which is the only form that the library knows for most filters. */
function plain(filter: Node): Node {
  return { type: "Identifier", value: filterName(filter) } as Node;
}

/** Filters that the library knows only with arguments. */
function asCall(filter: Node, name: string): Node {
  if (filter.type === "CallExpression" || !["map", "selectattr", "rejectattr"].includes(name)) return filter;
  return { type: "CallExpression", callee: filter, args: [] } as Node;
}

function extreme({ value }: ListValue, name: "min" | "max"): Value {
  const better = (a: Value, b: Value) => (name === "min" ? Number(a.value) < Number(b.value) : Number(a.value) > Number(b.value));
  const first = value[0];
  if (!first) throw new Error(`${name} of an empty list`);
  return value.reduce((best, next) => (better(next, best) ? next : best), first);
}

/** Python's str.format, as far as templates use it: `{}` in turn, and `{0}`. */
function format(pattern: string, args: readonly Value[]): Value {
  let turn = 0;
  return toText(pattern.replace(/\{(\d*)\}/g, (_, number: string) => String(args[number === "" ? turn++ : Number(number)] ?? "")));
}
