// What is refused in checkpoints of families with recurrent layers, by the name of the field or tensor.
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";
import { failureOf, withConfig } from "./refused.ts";

beforeAll(openForTests);

test.each([
  ["lfm2/plain", { layer_types: ["conv", "attention", "conv"] }, 'layer_types has "attention", supported: conv, full_attention'],
  ["lfm2/plain", { layer_types: ["conv"] }, "layer_types has 1 entries for 3 layers"],
  ["lfm2/plain", { conv_L_cache: 0 }, "conv_L_cache is 0, not a positive integer"],
  ["mamba2/plain", { time_step_limit: [1, 0.5] }, "time_step_limit is [1,0.5], not two numbers in order"],
  ["mamba2/plain", { time_step_limit: [0] }, "time_step_limit is [0], not two numbers in order"],
  ["mamba2/plain", { n_groups: 3 }, "num_heads is 8, not divisible by n_groups 3"],
  [
    "granitemoehybrid/plain",
    { layer_types: ["mamba", 7, "mamba"] },
    "layer_types has 7, supported: attention, full_attention, mamba, linear_attention",
  ],
  ["granitemoehybrid/plain", { mamba_n_groups: 3 }, "mamba_n_heads is 8, not divisible by mamba_n_groups 3"],
  ["nemotron_h/plain", { hybrid_override_pattern: "M-X" }, 'hybrid_override_pattern has "X"'],
  ["nemotron_h/plain", { hybrid_override_pattern: null }, "hybrid_override_pattern names 0 layers"],
  ["nemotron_h/experts", { num_experts_per_tok: 9 }, "num_experts_per_tok is 9, more than n_routed_experts 8"],
  ["qwen3_next/plain", { linear_num_value_heads: 3 }, "linear_num_value_heads is 3, not divisible by linear_num_key_heads 2"],
  ["qwen3_next/plain", { attn_output_gate: false }, "attn_output_gate is false, which is not supported"],
  ["qwen3_5/plain", { text_config: 1 }, "text_config is 1, not an object"],
  ["minimax_m2/plain", { rotary_dim: 32 }, "rotary_dim is 32, more than head_dim 16"],
  ["minimax_m2/plain", { model_type: "minimax", linear_attn_alpha_factor: 1 }, "belongs to MiniMax-Text-01"],
] as const)("%s with %p", (name, fields, message) => {
  expect(withConfig(name, fields)).toContain(message);
});

test("a convolution of another width is refused by the tensor's name", () => {
  expect(withConfig("qwen3_next/plain", { linear_conv_kernel_dim: 3 })).toContain(
    'tensor "model.layers.0.linear_attn.conv1d.weight" has shape [80, 4, 1], expected [80, 3, 1]',
  );
});

test("a state's decay that is missing is refused by the tensor's name", () => {
  const message = failureOf("mamba2/plain", folder => {
    const path = join(folder, "model.safetensors");
    const tensors = mx.loadSafetensors(path);
    mx.evaluate(...tensors.values());
    mx.release(tensors.get("backbone.layers.1.mixer.A_log")!);
    tensors.delete("backbone.layers.1.mixer.A_log");
    mx.saveSafetensors(path, tensors, {});
    tensors.forEach(mx.release);
  });
  expect(message).toContain('tensor "backbone.layers.1.mixer.A_log" is missing');
});
