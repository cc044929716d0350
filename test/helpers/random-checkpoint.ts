// A small checkpoint with random weights.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { safetensors } from "./safetensors.ts";
import { dice } from "./sequences.ts";

const [LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_DIM, MLP] = [3, 64, 4, 2, 32, 96];

/** Mistral's shape with heads of 32 numbers; with a window, all layers slide. */
export function writeRandomCheckpoint(folder: string, vocabSize: number, window?: number): void {
  const config = {
    model_type: "mistral",
    hidden_size: HIDDEN,
    num_hidden_layers: LAYERS,
    intermediate_size: MLP,
    num_attention_heads: HEADS,
    num_key_value_heads: KV_HEADS,
    head_dim: HEAD_DIM,
    vocab_size: vocabSize,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    max_position_embeddings: 1024,
    tie_word_embeddings: true,
    ...(window !== undefined && { sliding_window: window }),
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "model.safetensors"), weightsFile(vocabSize));
}

function weightsFile(vocabSize: number): Buffer {
  const shapes: [string, number[]][] = [["model.embed_tokens.weight", [vocabSize, HIDDEN]]];
  for (let layer = 0; layer < LAYERS; layer++) {
    const add = (name: string, ...shape: number[]) => shapes.push([`model.layers.${layer}.${name}.weight`, shape]);
    add("self_attn.q_proj", HEADS * HEAD_DIM, HIDDEN);
    add("self_attn.k_proj", KV_HEADS * HEAD_DIM, HIDDEN);
    add("self_attn.v_proj", KV_HEADS * HEAD_DIM, HIDDEN);
    add("self_attn.o_proj", HIDDEN, HEADS * HEAD_DIM);
    add("mlp.gate_proj", MLP, HIDDEN);
    add("mlp.up_proj", MLP, HIDDEN);
    add("mlp.down_proj", HIDDEN, MLP);
    add("input_layernorm", HIDDEN);
    add("post_attention_layernorm", HIDDEN);
  }
  shapes.push(["model.norm.weight", [HIDDEN]]);
  const { next } = dice(99);
  const data = shapes.map(([, shape]) => {
    const scale = shape.length === 1 ? 0 : 2 / Math.sqrt(shape[1]!);
    return Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => (scale === 0 ? 1 : (next() * 2 - 1) * scale));
  });
  let end = 0;
  const header = Object.fromEntries(
    shapes.map(([name, shape], i) => [name, { dtype: "F32", shape, data_offsets: [end, (end += data[i]!.byteLength)] }]),
  );
  return Buffer.concat([safetensors(header, 0), ...data.map(part => Buffer.from(part.buffer))]);
}
