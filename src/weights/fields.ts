// Reads numbers and flags out of config.json and files like it; every failure names the field. null counts as absent.
import { CheckpointError, quoted } from "./error.ts";

// Sizes that no model comes near, so that a hostile config.json cannot ask for the memory of lists of that length.
export const MOST_LAYERS = 4096;
export const MOST_HEADS = 65536;
export const MOST_HEAD_DIM = 65536;

export class Fields {
  constructor(
    private readonly json: Readonly<Record<string, unknown>>,
    private readonly path = "",
    private readonly file = "config.json",
  ) {}

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** The same with other values of some fields. */
  with(fields: Readonly<Record<string, unknown>>): Fields {
    return new Fields({ ...this.json, ...fields }, this.path, this.file);
  }

  /** A positive integer, at most `most`. */
  count(name: string, fallback?: number, most = 2 ** 31 - 1): number {
    const value = this.value(name) ?? fallback;
    if (value === undefined) throw this.error(name, "is missing");
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw this.error(name, `is ${show(value)}, not a positive integer`);
    if ((value as number) > most) throw this.error(name, `is ${show(value)}, more than ${most}`);
    return value as number;
  }

  /** An integer, 0 or more. */
  whole(name: string, fallback?: number): number {
    const value = this.value(name) ?? fallback;
    if (value === undefined) throw this.error(name, "is missing");
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw this.error(name, `is ${show(value)}, not an integer of 0 or more`);
    return value as number;
  }

  /** A list of such integers; a single one stands for a list of one. */
  wholes(name: string): readonly number[] {
    const values = [this.value(name) ?? []].flat() as readonly unknown[];
    const bad = values.find(value => !Number.isSafeInteger(value) || (value as number) < 0);
    if (bad !== undefined) throw this.error(name, `has ${show(bad)}, not an integer of 0 or more`);
    return values as readonly number[];
  }

  /** A positive number. */
  positive(name: string, fallback?: number): number {
    const value = this.value(name) ?? fallback;
    if (value === undefined) throw this.error(name, "is missing");
    if (typeof value !== "number" || !(value > 0) || !Number.isFinite(value)) throw this.error(name, `is ${show(value)}, not a positive number`);
    return value;
  }

  /** Any number. */
  number(name: string, fallback?: number): number {
    const value = this.value(name) ?? fallback;
    if (value === undefined) throw this.error(name, "is missing");
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.error(name, `is ${show(value)}, not a number`);
    return value;
  }

  /** A list of positive numbers that must be there. */
  positives(name: string): readonly number[] {
    const list = this.list(name);
    if (list === undefined) throw this.error(name, "is missing");
    const bad = list.find(value => typeof value !== "number" || !(value > 0) || !Number.isFinite(value));
    if (bad !== undefined) throw this.error(name, `has ${show(bad)}, not a positive number`);
    return list as readonly number[];
  }

  flag(name: string): boolean | undefined;
  flag(name: string, fallback: boolean): boolean;
  flag(name: string, fallback?: boolean): boolean | undefined {
    const value = this.value(name) ?? fallback;
    if (value !== undefined && typeof value !== "boolean") throw this.error(name, `is ${show(value)}, not true or false`);
    return value;
  }

  text(name: string): string | undefined;
  text(name: string, fallback: string): string;
  text(name: string, fallback?: string): string | undefined {
    const value = this.value(name) ?? fallback;
    if (value !== undefined && typeof value !== "string") throw this.error(name, `is ${show(value)}, not a text`);
    return value;
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.value(name);
    if (value !== undefined && !Array.isArray(value)) throw this.error(name, `is ${show(value)}, not a list`);
    return value;
  }

  object(name: string): Fields | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || Array.isArray(value)) throw this.error(name, `is ${show(value)}, not an object`);
    return new Fields(value as Record<string, unknown>, `${this.path}${name}.`, this.file);
  }

  /** The names of an object's entries; none where it is missing. */
  names(name: string): readonly string[] {
    return Object.keys(this.object(name)?.json ?? {});
  }

  /** Refuses any other value than those the model was written for. */
  expect(name: string, ...known: readonly string[]): void {
    const value = this.text(name);
    if (value !== undefined && !known.includes(value)) throw this.error(name, `is ${quoted(value)}, supported: ${known.join(", ")}`);
  }

  error(name: string, what: string): CheckpointError {
    return new CheckpointError(`${this.file}: ${this.path}${name} ${what}`);
  }

  private value(name: string): unknown {
    return Object.hasOwn(this.json, name) ? (this.json[name] ?? undefined) : undefined;
  }
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60);
}
