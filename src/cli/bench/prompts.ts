// The prompts that are measured. The ten poems are those of vllm-mlx's bench, so that figures compare.
import { readFileSync } from "node:fs";
import { CliError, exitCodes } from "../error.ts";

const topics = ["nature", "love", "technology", "space", "music", "art", "science", "history", "food", "travel"];

export function poems(count: number): string[] {
  return topics.slice(0, count).map(topic => `Write a short poem about ${topic}.`);
}

/** The lines of a file that are not blank. */
export function promptsOf(path: string): string[] {
  const lines = readText(path)
    .split("\n")
    .map(line => line.trim())
    .filter(line => line !== "");
  if (lines.length === 0) throw new CliError(`${path} has no prompt in it`, exitCodes.failed);
  return lines;
}

export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new CliError(`${path} cannot be read`, exitCodes.notFound);
  }
}

const words = (
  "the small river runs past an old stone house where my friend keeps books and maps of every town on the coast and in winter we read them by " +
  "the fire while rain falls on the garden and the cat sleeps under a chair near the window with one ear open for birds"
).split(" ");

/** Whole numbers from 0 up to a limit, the same for the same seed. */
export function makeRandom(seed: number): (limit: number) => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

export function plainWords(count: number, random: (limit: number) => number): string {
  return Array.from({ length: count }, () => words[random(words.length)]!).join(" ");
}

const lengths: Readonly<Record<string, number>> = { short: 12, medium: 120, long: 1200 };
export const promptSets = [...Object.keys(lengths), "shared"];

/**
 * Request number `at` of a set. Texts of short, medium and long differ from their first word on, so that no stored prefix helps;
 * those of `shared` begin with the same thousand words and end in a question of their own.
 */
export function promptOf(set: string, at: number, seed: number): string {
  const length = lengths[set];
  if (length !== undefined) return plainPrompt(length, at, seed);
  return `${plainWords(1000, makeRandom(seed))}. Question ${at}: ${plainWords(12, ownRandom(at, seed))}?`;
}

/** Request number `at`, of so many words: plain English that differs from its first word on. */
export function plainPrompt(length: number, at: number, seed: number): string {
  return `Question ${at} of ${seed}: ${plainWords(length, ownRandom(at, seed))}?`;
}

function ownRandom(at: number, seed: number): (limit: number) => number {
  return makeRandom(seed + 7919 * (at + 1));
}
