// The numbers that nearly every decoder's config.json has, under the names that nearly all of them use.
import { type Fields, MOST_HEAD_DIM, MOST_HEADS, MOST_LAYERS } from "../weights/fields.ts";

export interface Shape {
  readonly hidden: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly eps: number;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly tied: boolean | undefined; // undefined: as the checkpoint has it
}

/** What a family's config.json may leave out. Without a value here the field must be there. */
export interface ShapeDefaults {
  readonly inner?: number | undefined;
  readonly heads?: number;
  readonly kvHeads?: "heads" | number;
  readonly headDim?: number; // hidden / heads without it
  readonly eps?: number;
  readonly epsName?: string; // rms_norm_eps without it
  readonly vocabSize?: number;
  readonly contextLength?: number;
  readonly tied?: boolean;
}

export function readShape(c: Fields, defaults: ShapeDefaults = {}): Shape {
  const [hidden, heads] = [c.count("hidden_size"), c.count("num_attention_heads", defaults.heads, MOST_HEADS)];
  const kvHeads = c.count("num_key_value_heads", defaults.kvHeads === "heads" ? heads : defaults.kvHeads);
  if (heads % kvHeads !== 0) throw c.error("num_attention_heads", `is ${heads}, not divisible by num_key_value_heads ${kvHeads}`);
  const headDim = defaults.headDim ?? hidden / heads;
  if (!c.has("head_dim") && !Number.isInteger(headDim)) throw c.error("hidden_size", `is ${hidden}, not divisible by num_attention_heads ${heads}`);
  return {
    hidden,
    inner: c.count("intermediate_size", defaults.inner),
    layers: c.count("num_hidden_layers", undefined, MOST_LAYERS),
    heads,
    kvHeads,
    headDim: c.count("head_dim", headDim, MOST_HEAD_DIM),
    eps: c.positive(defaults.epsName ?? "rms_norm_eps", defaults.eps),
    vocabSize: c.count("vocab_size", defaults.vocabSize),
    contextLength: c.count("max_position_embeddings", defaults.contextLength),
    tied: c.flag("tie_word_embeddings") ?? defaults.tied,
  };
}

/** How far each layer looks back; undefined is everything. */
export type Windows = readonly (number | undefined)[];

/** Layers look back through sliding_window where layer_types says so; where it says nothing, `slides` decides, and without that no layer does. */
export function readWindows(c: Fields, layers: number, slides: (layer: number) => boolean = () => false, window?: number): Windows {
  const [full, sliding] = ["full_attention", "sliding_attention"];
  const types = c.list("layer_types") ?? Array.from({ length: layers }, (_, layer) => (slides(layer) ? sliding : full));
  if (types.length !== layers) throw c.error("layer_types", `has ${types.length} entries for ${layers} layers`);
  return types.map(type => {
    if (type === full) return undefined;
    if (type === sliding) return c.count("sliding_window", window);
    throw c.error("layer_types", `has ${JSON.stringify(type)}, supported: full_attention, sliding_attention`);
  });
}

/** Every layer looks back through sliding_window, where config.json has one. */
export function readOneWindow(c: Fields, layers: number): Windows {
  return readWindows(c, layers, () => c.has("sliding_window"));
}
