// How the next id is chosen for one choice: the request's wishes over the service's defaults.
import type { Sampling } from "../engine/protocol.ts";
import type { Service } from "./service.ts";
import type { Generation } from "./types.ts";

const coldest = 1e-5; // below it a division by the temperature leaves float32's range; the distribution has one point long before

/** One Sampling for each choice. They differ in their seeds, which follow from the client's if there is one. */
export function toSamplings({ defaults, deterministic, frequencyPenaltyMode }: Service, { sampling }: Generation, choices: number): Sampling[] {
  const { seed, ...wishes } = sampling;
  const known = Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined)) as Partial<Sampling>;
  const penalties = frequencyPenaltyMode === "repetition" ? asRepetition(known) : {};
  const all = { ...defaults, logitBias: [], ...known, ...penalties, ...(deterministic && { temperature: 0, topP: 1 }) };
  return Array.from({ length: choices }, (_, choice) => ({
    ...all,
    temperature: all.temperature < coldest ? 0 : all.temperature,
    seed: seed === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : choiceSeed(foldSeed(seed), choice),
  }));
}

/** vllm-mlx's reading: a frequency penalty is told to the model as a repetition penalty, unless the request has one of these as well. */
function asRepetition({ frequencyPenalty, repetitionPenalty }: Partial<Sampling>): Partial<Sampling> {
  if (frequencyPenalty === undefined) return {};
  return { frequencyPenalty: 0, repetitionPenalty: repetitionPenalty ?? Math.max(0.01, 1 + frequencyPenalty) };
}

/** Clients' seeds have 64 bits, the engine's 32; seeds below 2^32 stay themselves. */
function foldSeed(seed: number): number {
  const wide = BigInt.asUintN(64, BigInt(seed));
  return Number(BigInt.asUintN(32, wide ^ (wide >> 32n)));
}

/** The first choice has the seed as given, so that more choices do not change it; the others are scattered (the mixer of splitmix32). */
function choiceSeed(seed: number, choice: number): number {
  if (choice === 0) return seed >>> 0;
  let mixed = (seed + Math.imul(choice, 0x9e3779b9)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
