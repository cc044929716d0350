// Gemma 4 beyond the shared suite: what layers without keys and values of their own take, and what its config.json is refused for.
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { rowsCost } from "../../src/kv/cost.ts";
import { KvRows } from "../../src/kv/rows.ts";
import { loadModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
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
