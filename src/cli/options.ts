// One option is one line of a table: from it come its flag, its environment variable, its check, its help and its type.
// Knows nothing of any particular option (config.ts has them) and reads neither argv nor the environment itself.
import { usageError } from "./error.ts";
import { nearest } from "./nearest.ts";
import { parseObject } from "../util/json.ts";

export interface Option<T> {
  readonly section: string;
  readonly help: string;
  readonly default: T;
  readonly value: string; // what stands for the value in help; "" for a switch
  readonly expects: string; // completes "--port takes …"
  readonly secret?: boolean; // never shown
  readonly read: (text: string) => T | undefined; // undefined when the text is not what it expects
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

interface Facts<T> {
  readonly section: string;
  readonly help: string;
  readonly default: T;
  readonly value?: string;
  readonly secret?: boolean;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

function number<T>(facts: Facts<T>, kind: string, pattern: RegExp, { min, max }: Bounds): Option<T | number> {
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  const read = (text: string) => {
    const value = pattern.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : undefined;
  };
  return { value: "N", ...facts, expects: `${kind} ${range}`, read };
}

export function integer<T extends number | undefined>(facts: Facts<T> & Bounds): Option<T | number> {
  return number<T>(facts, "a whole number", /^-?\d+$/, facts);
}

/** The option, or the word auto, which is its default. */
export function orAuto<T>(option: Option<T>): Option<Exclude<T, undefined> | "auto"> {
  const read = (text: string) => (text === "auto" ? text : (option.read(text) as Exclude<T, undefined> | undefined));
  return { ...option, value: `${option.value}|auto`, default: "auto", expects: `${option.expects}, or auto`, read };
}

export function decimal<T extends number | undefined>(facts: Facts<T> & Bounds): Option<T | number> {
  return number<T>(facts, "a number", /^-?(\d+\.?\d*|\.\d+)$/, facts);
}

export function text<T extends string | undefined>(facts: Facts<T> & { value: string }): Option<T | string> {
  return { ...facts, expects: `a value (${facts.value})`, read: text => text || undefined };
}

/** Comma-separated; blanks around items are dropped. */
export function list(facts: Facts<readonly string[]> & { value: string }): Option<readonly string[]> {
  const read = (text: string) => {
    const items = text.split(",").map(item => item.trim());
    return items.includes("") ? undefined : items;
  };
  return { ...facts, expects: `a comma-separated list (${facts.value})`, read };
}

export function choice<const T extends string>(facts: Facts<NoInfer<T>> & { choices: readonly T[] }): Option<T> {
  return {
    ...facts,
    value: facts.choices.join("|"),
    expects: `one of ${facts.choices.join(", ")}`,
    read: text => facts.choices.find(one => one === text),
  };
}

/** A JSON object. */
export function json(facts: Facts<Readonly<Record<string, unknown>>>): Option<Readonly<Record<string, unknown>>> {
  return { value: "JSON", ...facts, expects: "a JSON object", read: parseObject };
}

/** Given or not; in the environment "1", "true", "0" or "false". */
export function toggle(facts: Facts<boolean>): Option<boolean> {
  const words: Record<string, boolean> = { "1": true, true: true, "0": false, false: false };
  return { ...facts, value: "", expects: "1 or 0", read: text => words[text] };
}

export function defaultsOf<O extends Options>(options: O): Values<O> {
  return Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default])) as Values<O>;
}

export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}

export function envName(key: string): string {
  return `PIPPIN_${key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
}

export interface ParsedArguments<O extends Options> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
  readonly warnings: readonly string[];
}

/** Flags known from other servers that stand in no table. */
export interface ForeignFlags {
  readonly command: string; // whose help lists the options
  readonly unsupported: ReadonlySet<string>;
  readonly needless: Readonly<Record<string, string>>; // switches for what is so anyway, and why
}

/** Flags win over the environment, which wins over defaults. */
export function parseArguments<O extends Options>(
  options: O,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  foreign: ForeignFlags,
): ParsedArguments<O> {
  const warnings = strangeVariables(options, environment);
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(options)) {
    const fromEnvironment = environment[envName(key)];
    values[key] = fromEnvironment ? readValue(option, envName(key), fromEnvironment) : option.default;
  }
  const positionals: string[] = [];
  const flags = new Map(Object.keys(options).map(key => [flagName(key), key]));
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      positionals.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      positionals.push(arg);
      continue;
    }
    const [flag, inline] = splitFlag(arg);
    const key = flags.get(flag);
    const needless = foreign.needless[flag];
    if (needless !== undefined) {
      warnings.push(`${flag} is not needed: ${needless}`);
      continue;
    }
    if (key === undefined) throw unknownFlag(flag, [...flags.keys()], foreign);
    const option = options[key]!;
    if (option.value === "") {
      values[key] = inline === undefined ? true : readValue(option, flag, inline);
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined || (inline === undefined && /^-[^\d.]/.test(value)))
      throw usageError(`${flag} takes ${option.expects}, and none was given`);
    values[key] = readValue(option, flag, value);
  }
  return { values: Object.freeze(values) as Values<O>, positionals, warnings };
}

function splitFlag(arg: string): [flag: string, inline: string | undefined] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function readValue(option: Option<unknown>, name: string, text: string): unknown {
  const value = option.read(text);
  if (value !== undefined) return value;
  throw usageError(`${name} takes ${option.expects}, not ${option.secret ? "what was given" : JSON.stringify(text)}`);
}

function unknownFlag(flag: string, known: readonly string[], { unsupported, command }: ForeignFlags) {
  if (unsupported.has(flag)) return usageError(`${flag} is not supported yet; 'pippin help ${command}' lists what is`);
  const guess = nearest(flag, known);
  return usageError(`${flag} is not an option; ${guess ? `did you mean ${guess}?` : `'pippin help ${command}' lists all of them`}`);
}

/** A variable one letter off would otherwise be ignored in silence. Others named PIPPIN_… may belong to somebody else. */
function strangeVariables(options: Options, environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.keys(options).map(envName);
  const strange = Object.keys(environment).filter(name => name.startsWith("PIPPIN_") && !known.includes(name));
  return strange.flatMap(name => {
    const guess = nearest(name, known);
    return guess ? [`the environment variable ${name} is not a setting; did you mean ${guess}?`] : [];
  });
}
