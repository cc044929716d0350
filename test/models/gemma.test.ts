// Gemma 3n and 4 beyond the shared suite: what layers without keys and values of their own take, and what config.json is refused for.
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rowsCost } from "../../src/kv/cost.ts";
import { KvRows } from "../../src/kv/rows.ts";
import { loadModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { withFolder } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { withConfig } from "./refused.ts";
import { GOLDEN } from "./suite.ts";

beforeAll(openForTests);

test("layers that share another one's keys and values hold none, store none and cost nothing", () => {
  const { model, weights } = loadModel(join(GOLDEN, "gemma4_text/plain"));
  const kv = new KvRows(model.layout);
  kv.addRow();
  mx.scope(() => {
    const ids = mx.fromArray(
      Int32Array.from({ length: 20 }, (_, i) => i),
      [1, 20],
    );
    mx.evaluate(model.forward(model.embed(ids), kv.begin(20), kv.layers, ids));
    expect(kv.part(0, 0, 20).map(parts => parts.length)).toEqual([2, 2, 2, 2, 0, 0]);
  });
  const perPosition = (3 * 2 * 16 + 2 * 32) * 2 * 4; // three layers with small heads and one with large ones, keys and values, float32
  expect(kv.bytes).toBe(256 * perPosition);
  expect(rowsCost(model.layout, 4)([], [20])).toBe(kv.bytes);
  expect(kv.stateBytes).toBe(0);
  kv.release();
  weights.release();
});

test.each([
  ["gemma4_text/plain", { num_kv_shared_layers: 6 }, "num_kv_shared_layers is 6, and there are 6 layers"],
  ["gemma4_text/plain", { num_kv_shared_layers: 4 }, "layer_types has no layer before 2 whose keys and values layer 2 can share"],
  ["gemma4_text/plain", { use_bidirectional_attention: "all" }, 'use_bidirectional_attention is "all", supported: vision'],
  ["gemma4_text/plain", { hidden_activation: "silu" }, 'hidden_activation is "silu", supported: gelu_pytorch_tanh'],
  ["gemma4_text/plain", { per_layer_config: {} }, "per_layer_config is not supported"],
  ["gemma4_text/plain", { vocab_size_per_layer_input: 48 }, 'tensor "model.embed_tokens_per_layer.weight" has shape'],
  ["gemma4_text/plain", { hidden_size_per_layer_input: -1 }, "hidden_size_per_layer_input is -1, not an integer of 0 or more"],
  ["gemma4_text/large", { num_global_key_value_heads: 3 }, "num_attention_heads is 4, not divisible by num_global_key_value_heads 3"],
  ["gemma4_text/large", { top_k_experts: 9 }, "top_k_experts is 9, more than num_experts 8"],
  ["gemma4_text/large", { global_head_dim: 1e9 }, "global_head_dim is 1000000000, more than 65536"],
  ["gemma4/text", { text_config: null }, "text_config is missing"],
  ["gemma3n/plain", { text_config: 1 }, "text_config is 1, not an object"],
])("%s with %p", (name, fields, message) => {
  expect(withConfig(name, fields)).toContain(message);
});

test.each([
  [{ rope_type: "proportional", partial_rotary_factor: 1.5 }, "rope_parameters.full_attention.partial_rotary_factor is 1.5, more than 1"],
  [{ rope_type: "sideways" }, 'rope_parameters.full_attention.rope_type is "sideways"'],
])("gemma4_text with %p", (full, message) => {
  const parameters = { full_attention: { rope_theta: 1e6, ...full }, sliding_attention: { rope_type: "default", rope_theta: 1e4 } };
  expect(withConfig("gemma4_text/plain", { rope_parameters: parameters })).toContain(message);
});

test.each([
  [{ intermediate_size: [32, 48] }, "text_config.intermediate_size has 2 entries for 6 layers"],
  [{ intermediate_size: [32, 48, 0, 32, 48, 32] }, "text_config.intermediate_size has 0, not a positive integer"],
  [{ intermediate_size: null }, "text_config.intermediate_size is missing"],
  [{ activation_sparsity_pattern: [0.5] }, "text_config.activation_sparsity_pattern has 1 entries for 6 layers"],
  [{ activation_sparsity_pattern: [1, 0, 0, 0, 0, 0] }, "text_config.activation_sparsity_pattern has 1, not a number from 0 to 0.9999"],
  [{ altup_active_idx: 3 }, "text_config.altup_active_idx is 3, and altup_num_inputs is 3"],
  [{ hidden_size_per_layer_input: 0 }, "text_config.hidden_size_per_layer_input is 0, which is not supported"],
  [{ laurel_rank: 5 }, 'linear_left.weight" has shape [4, 32], expected [5, 32]'],
])("gemma3n with %p", (fields, message) => {
  expect(withConfig("gemma3n/plain", { text_config: { ...textOf("gemma3n/plain"), ...fields } })).toContain(message);
});

test("Gemma 3n's text alone, under transformers' names and without what layers that share have no use for, is the same model", () => {
  const source = join(GOLDEN, "gemma3n/plain");
  withFolder({ "config.json": JSON.stringify(textOf("gemma3n/plain")) }, folder => {
    const tensors = mx.loadSafetensors(join(source, "model.safetensors"));
    const kept = [...tensors].filter(([name]) => !/layers\.[45]\.self_attn\.(k_proj|v_proj|k_norm)/.test(name));
    expect(kept.length).toBe(tensors.size - 6);
    mx.saveSafetensors(join(folder, "model.safetensors"), new Map(kept.map(([name, t]) => [name.replace("language_model.", ""), t])), {});
    tensors.forEach(mx.release);
    expect(logitsOf(folder)).toEqual(logitsOf(source));
  });
});

function textOf(name: string): Record<string, unknown> {
  return (JSON.parse(readFileSync(join(GOLDEN, name, "config.json"), "utf8")) as { text_config: Record<string, unknown> }).text_config;
}

/** Of a prompt of 20 ids. */
function logitsOf(folder: string): Float32Array {
  const { model, weights } = loadModel(folder);
  const kv = new KvRows(model.layout);
  kv.addRow();
  const logits = mx.scope(() => {
    const ids = mx.fromArray(
      Int32Array.from({ length: 20 }, (_, i) => 3 * i),
      [1, 20],
    );
    return mx.toFloat32(model.logits(model.forward(model.embed(ids), kv.begin(20), kv.layers, ids)));
  });
  kv.release();
  weights.release();
  return logits;
}
