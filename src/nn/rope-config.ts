// How a config.json asks for rotary positions, read into numbers. A new kind of stretching is one function and one line in `kinds`.
import type { Fields } from "../weights/fields.ts";

export interface RopeSettings {
  readonly width: number; // of a head
  readonly dims: number; // leading dimensions of it that are turned
  readonly base: number;
  readonly scale: number; // positions are multiplied by this
  readonly wavelengths?: readonly number[]; // of each pair, in positions per radian; instead of those that follow from base
  readonly magnitude?: number; // turned dimensions are multiplied by this; 1 without it
  readonly traditional?: boolean; // pairs are neighbours, not halves apart
}

export interface RopeOptions {
  readonly base?: number; // where config.json has no rope_theta
  readonly layers?: string; // the kind of layers whose part of rope_parameters is read, where it has one
  readonly partial?: number; // the family reads partial_rotary_factor, and this is its value where config.json has none
  readonly traditional?: boolean;
}

type Plain = Pick<RopeSettings, "width" | "dims" | "base" | "traditional">;
type Kind = (plain: Plain, scaling: Fields, c: Fields) => RopeSettings;

const kinds: Readonly<Record<string, Kind>> = {
  default: plain => ({ ...plain, scale: 1 }),
  linear: (plain, scaling) => ({ ...plain, scale: 1 / scaling.positive("factor") }),
  dynamic,
  llama3,
  yarn,
  deepseek_yarn: yarn,
  longrope,
  su: longrope,
  proportional,
};

/** Reads rope_theta and rope_scaling, or rope_parameters, where newer configs keep both. */
export function readRope(c: Fields, width: number, options: RopeOptions = {}): RopeSettings {
  const all = c.object("rope_parameters");
  const parameters = (options.layers && all?.object(options.layers)) || all;
  const scaling = c.object("rope_scaling") ?? parameters;
  const where = (name: string): Fields => (c.has(name) || parameters === undefined ? c : parameters);
  const plain = {
    width,
    dims: readDims(c, width, options.partial && where("partial_rotary_factor").positive("partial_rotary_factor", options.partial)),
    base: where("rope_theta").positive("rope_theta", options.base),
    ...(options.traditional === true ? { traditional: true } : {}),
  };
  if (scaling === undefined) return kinds.default!(plain, c, c);
  const key = scaling.has("type") ? "type" : "rope_type";
  scaling.expect(key, ...Object.keys(kinds));
  return kinds[scaling.text(key, "default")]!(plain, scaling, c);
}

/** That of Gemma 3's and 3n's layers with a window; newer configs keep it in rope_parameters. */
export function readLocalRope(c: Fields, width: number): RopeSettings {
  const own = c.object("rope_parameters")?.object("sliding_attention");
  own?.expect("rope_type", "default");
  const base = own?.positive("rope_theta", 10000) ?? c.positive("rope_local_base_freq", 10000);
  return kinds.default!({ width, dims: width, base }, c, c);
}

function readDims(c: Fields, width: number, factor?: number): number {
  const dims = Math.floor(width * (factor ?? 1));
  if (factor !== undefined && (factor > 1 || dims % 2 !== 0 || dims === 0))
    throw c.error("partial_rotary_factor", `is ${factor}, which turns no even number of ${width} dimensions`);
  if (dims % 2 !== 0) throw c.error("head_dim", `is ${dims}, not an even number`);
  return dims;
}

/** The wavelengths of unstretched positions: base^(2i / dims). */
export function plainWavelengths({ dims, base }: Pick<RopeSettings, "dims" | "base">): number[] {
  return Array.from({ length: dims / 2 }, (_, i) => base ** ((2 * i) / dims));
}

/** Llama 3: long waves are stretched by factor, short ones stay, those between are blended. */
function llama3(plain: Plain, scaling: Fields): RopeSettings {
  const factor = scaling.positive("factor");
  const [low, high] = [scaling.positive("low_freq_factor", 1), scaling.positive("high_freq_factor", 4)];
  const trained = scaling.positive("original_max_position_embeddings", 8192);
  if (high <= low) throw scaling.error("high_freq_factor", "is not greater than low_freq_factor");
  const wavelengths = plainWavelengths(plain).map(wavelength => {
    const turns = trained / (2 * Math.PI * wavelength); // of this pair over the trained context
    if (turns < low) return wavelength * factor;
    if (turns > high) return wavelength;
    const keep = (turns - low) / (high - low);
    return wavelength / ((1 - keep) / factor + keep);
  });
  return { ...plain, scale: 1, wavelengths };
}

/**
 * YaRN (Peng et al. 2023): pairs that turn more than beta_fast times over the trained context stay, those that turn less than
 * beta_slow times are stretched by factor, those between are blended along their index; turned heads grow with log(factor).
 */
function yarn(plain: Plain, scaling: Fields, c: Fields): RopeSettings {
  const { dims, base } = plain;
  const factor = scaling.positive("factor");
  const trained = readTrained(scaling, c);
  const pairTurning = (turns: number): number => (dims * Math.log(trained / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const whole = scaling.flag("truncate", true);
  const [fast, slow] = [pairTurning(scaling.positive("beta_fast", 32)), pairTurning(scaling.positive("beta_slow", 1))];
  const low = Math.max(whole ? Math.floor(fast) : fast, 0);
  const high = Math.min(whole ? Math.ceil(slow) : slow, dims - 1);
  const wavelengths = plainWavelengths(plain).map((wavelength, i) => {
    const stretched = Math.min(Math.max((i - low) / (high === low ? 0.001 : high - low), 0), 1);
    return wavelength / (stretched / factor + (1 - stretched));
  });
  return { ...plain, scale: 1, wavelengths, magnitude: yarnMagnitude(scaling, factor) };
}

function yarnMagnitude(scaling: Fields, factor: number): number {
  if (scaling.has("attention_factor")) return scaling.positive("attention_factor");
  return growth(factor, scaling.number("mscale", 1)) / growth(factor, scaling.number("mscale_all_dim", 0));
}

function growth(factor: number, weight: number): number {
  return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
}

/** What DeepSeek's families multiply the scale of attention by: the other part of YaRN's growth. */
export function readYarnScale(c: Fields): number {
  const scaling = c.object("rope_scaling") ?? c.object("rope_parameters");
  if (scaling === undefined || !scaling.has("mscale_all_dim")) return 1;
  return growth(scaling.positive("factor", 1), scaling.number("mscale_all_dim")) ** 2;
}

/**
 * LongRoPE (Ding et al. 2024): one factor per pair. A model that serves more than it was first trained on uses long_factor for
 * all texts, as mlx-lm does, because stored keys must not depend on how long a text becomes.
 */
function longrope(plain: Plain, scaling: Fields, c: Fields): RopeSettings {
  const trained = readTrained(scaling, c);
  const growth = c.positive("max_position_embeddings") / trained;
  const name = growth > 1 ? "long_factor" : "short_factor";
  const factors = scaling.positives(name);
  if (factors.length !== plain.dims / 2) throw scaling.error(name, `has ${factors.length} entries for ${plain.dims / 2} pairs`);
  const magnitude = growth > 1 ? Math.sqrt(1 + Math.log(growth) / Math.log(trained)) : 1;
  const wavelengths = plainWavelengths(plain).map((wavelength, i) => wavelength * factors[i]!);
  const stated = scaling.positive(growth > 1 ? "long_mscale" : "short_mscale", magnitude);
  return { ...plain, scale: 1, wavelengths, magnitude: scaling.positive("attention_factor", stated) };
}

/**
 * Dynamic NTK stretches the base once a text outgrows max_position_embeddings, which would turn stored keys anew. Up to there, and
 * so for all that is served here, positions are plain. `alpha` stretches the base for all texts.
 */
function dynamic(plain: Plain, scaling: Fields): RopeSettings {
  const alpha = scaling.positive("alpha", 1);
  return { ...plain, base: plain.base * alpha ** (plain.dims / (plain.dims - 2)), scale: 1 };
}

/** Pairs turn as they do in a head that is turned whole, but only the fastest of them. */
function proportional(plain: Plain, scaling: Fields): RopeSettings {
  const part = scaling.positive("partial_rotary_factor", 1);
  if (part > 1) throw scaling.error("partial_rotary_factor", `is ${part}, more than 1`);
  const [turned, factor] = [Math.floor((part * plain.dims) / 2), scaling.positive("factor", 1)];
  const wavelengths = plainWavelengths(plain).map((wavelength, i) => (i < turned ? wavelength * factor : Infinity));
  return { ...plain, scale: 1, wavelengths };
}

/** The context that the unstretched model was trained on. */
function readTrained(scaling: Fields, c: Fields): number {
  const name = "original_max_position_embeddings";
  if (scaling.has(name)) return scaling.positive(name);
  return c.has(name) ? c.positive(name) : c.positive("max_position_embeddings");
}
