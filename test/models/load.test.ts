import { beforeAll, describe, expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as gemma3 from "../../src/models/gemma3_text.ts";
import { loadModel } from "../../src/models/load.ts";
import { families, nearestFamilies } from "../../src/models/registry.ts";
import * as mx from "../../src/mx/index.ts";
import { withFolder } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { failureOf, withConfig } from "./refused.ts";
import { GOLDEN } from "./suite.ts";

beforeAll(openForTests);

test("an unknown model type names the nearest supported ones", () => {
  expect(nearestFamilies("qwen33")[0]).toBe("qwen3");
  expect(withConfig("qwen3/float32", { model_type: "qwen33\n" })).toStartWith(
    'CheckpointError: config.json: model_type "qwen33\\n" is not supported',
  );
  expect(withConfig("qwen3/float32", { model_type: "__proto__" })).toContain('"__proto__" is not supported');
  expect(withConfig("qwen3/float32", { model_type: 3 })).toBe("CheckpointError: config.json: model_type is missing");
  expect(nearestFamilies("mistrl3", 1)).toEqual(["mistral"]);
});

test("what is loaded is described", () => {
  const { info, weights } = loadModel(join(GOLDEN, "qwen3/8-bit"));
  expect(info).toEqual({
    modelType: "qwen3",
    parameters: 90496,
    bytes: weights.bytes,
    quantization: "8-bit group 64",
    vocabSize: 128,
    contextLength: 512,
    layers: 2,
    device: "cpu",
    unreadTensors: [],
  });
  expect(info.bytes).toBeGreaterThan(info.parameters); // 8 bits each, scales and norms
  weights.release();
  expect(mx.liveHandles()).toBe(0);
});

describe("config.json is checked before any tensor is read", () => {
  const numbers = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size"];
  for (const name of ["qwen3/float32", "llama/tied", "mistral/plain"])
    test(name, () => {
      for (const field of [...numbers, "max_position_embeddings"])
        for (const value of [0, -4, 2.5, "8", true])
          expect(withConfig(name, { [field]: value })).toBe(
            `CheckpointError: config.json: ${field} is ${JSON.stringify(value)}, not a positive integer`,
          );
      expect(withConfig(name, { num_hidden_layers: 1e9 })).toEndWith("num_hidden_layers is 1000000000, more than 4096");
      expect(withConfig(name, { head_dim: 1e9 })).toEndWith("head_dim is 1000000000, more than 65536");
      expect(withConfig(name, { vocab_size: 1e12 })).toEndWith("vocab_size is 1000000000000, more than 2147483647");
      expect(withConfig(name, { rms_norm_eps: 0 })).toBe("CheckpointError: config.json: rms_norm_eps is 0, not a positive number");
      expect(withConfig(name, { num_key_value_heads: 3 })).toEndWith("num_attention_heads is 4, not divisible by num_key_value_heads 3");
      expect(withConfig(name, { hidden_act: "relu" })).toEndWith('hidden_act is "relu", supported: silu');
      expect(withConfig(name, { tie_word_embeddings: 1 })).toEndWith("tie_word_embeddings is 1, not true or false");
      expect(withConfig(name, { hidden_size: undefined })).toEndWith("hidden_size is missing");
    });

  test("fields of one family", () => {
    expect(withConfig("llama/tied", { head_dim: null, hidden_size: 34 })).toEndWith("hidden_size is 34, not divisible by num_attention_heads 4");
    expect(withConfig("llama/windows", { sliding_window: null })).toEndWith("sliding_window is missing");
    expect(withConfig("llama/windows", { layer_types: ["full_attention"] })).toEndWith("layer_types has 1 entries for 3 layers");
    expect(withConfig("llama/windows", { layer_types: [1, 2, 3] })).toEndWith("layer_types has 1, supported: full_attention, sliding_attention");
    expect(withConfig("mistral/plain", { sliding_window: 0 })).toEndWith("sliding_window is 0, not a positive integer");
    for (const name of ["qwen3/float32", "qwen2/plain", "qwen3_moe/plain"])
      expect(withConfig(name, { use_sliding_window: true })).toEndWith("use_sliding_window is not supported for this family");
    expect(withConfig("phi3/partial", { partial_rotary_factor: 0.4 })).toContain("partial_rotary_factor is 0.4, which turns no even number");
    expect(withConfig("smollm3/plain", { no_rope_layers: [1] })).toEndWith("no_rope_layers has 1 entries for 4 layers");
    expect(withConfig("exaone4/plain", { sliding_window_pattern: "LLX" })).toContain('sliding_window_pattern is "LLX"');
    expect(withConfig("gemma/plain", { hidden_act: "silu" })).toEndWith('hidden_act is "silu", supported: gelu, gelu_pytorch_tanh');
    expect(withConfig("gemma3/text", { text_config: null })).toEndWith("text_config is missing");
    expect(withConfig("gemma3/text", { text_config: {} })).toEndWith("text_config.hidden_size is missing");
    expect(withConfig("qwen2/plain", { num_attention_heads: 1e9 })).toEndWith("num_attention_heads is 1000000000, more than 65536");
    expect(withConfig("qwen3_moe/plain", { num_experts_per_tok: 9 })).toEndWith("num_experts_per_tok is 9, more than num_experts 8");
    expect(withConfig("qwen3_moe/plain", { mlp_only_layers: [-1] })).toEndWith("mlp_only_layers has -1, not an integer of 0 or more");
    expect(withConfig("qwen3_moe/plain", { num_experts: 9 })).toContain('gate.weight" has shape [8, 32], expected [9, 32]');
    expect(withConfig("deepseek_v3/plain", { n_group: 3 })).toEndWith("n_group is 3, which does not divide 8 experts into groups");
    expect(withConfig("deepseek_v3/plain", { topk_method: "greedy" })).toEndWith('topk_method is "greedy", supported: noaux_tc');
  });
});

test("Gemma 3's window can be another one, or none", () => {
  const config = gemma3.readConfig({ ...JSON.parse(readFileSync(join(GOLDEN, "gemma3_text/plain/config.json"), "utf8")) } as Record<string, unknown>);
  expect(config.windows).toEqual([16, 16, undefined]);
  expect(gemma3.withWindow(config, 48).windows).toEqual([48, 48, undefined]);
  expect(gemma3.withWindow(config, undefined).windows).toEqual([512, 512, undefined]); // as far as the context goes
});

test("a window that is chosen when the model is loaded is the one that its layers keep; other families ignore it", () => {
  const windows = (name: string, window: number) => {
    const { model, weights } = loadModel(join(GOLDEN, name), { window });
    weights.release();
    return model.layout.map(layer => ("window" in layer ? layer.window : undefined));
  };
  expect(windows("gemma3_text/plain", 48)).toEqual([48, 48, undefined]);
  expect(windows("gemma3_text/plain", 0)).toEqual([512, 512, undefined]);
  expect(windows("gemma3/text", 8).slice(0, 2)).toEqual([8, 8]);
  expect(windows("llama/plain", 8).every(window => window === undefined)).toBe(true);
});

describe("a checkpoint that does not fit its config.json is refused, and nothing is kept", () => {
  test("wrong sizes name the tensor with both shapes", () => {
    expect(withConfig("qwen3/float32", { hidden_size: 48 })).toBe(
      'CheckpointError: model.safetensors: tensor "model.embed_tokens.weight" has shape [128, 32], expected [128, 48]',
    );
    expect(withConfig("qwen3/4-bit", { intermediate_size: 64 })).toContain(
      'tensor "model.layers.0.mlp.gate_proj.weight" has shape [128, 8], expected [64, 8]',
    );
  });

  test("more layers than there are name the first missing tensor", () => {
    expect(withConfig("qwen3/sharded", { num_hidden_layers: 4 })).toBe(
      'CheckpointError: model.safetensors.index.json: tensor "model.layers.3.self_attn.q_norm.weight" is missing',
    );
  });

  test("an output projection that config.json promises must be there", () => {
    expect(withConfig("qwen3/float32", { tie_word_embeddings: false })).toEndWith('tensor "lm_head.weight" is missing');
  });

  test("biases that config.json promises must be there", () => {
    expect(withConfig("llama/tied", { attention_bias: true })).toEndWith('tensor "model.layers.0.self_attn.q_proj.bias" is missing');
    expect(withConfig("llama/tied", { mlp_bias: true })).toEndWith('tensor "model.layers.0.mlp.gate_proj.bias" is missing');
  });

  test("a truncated file is found before MLX sees it", () => {
    const cut = (folder: string) => {
      const path = join(folder, "model.safetensors");
      writeFileSync(path, readFileSync(path).subarray(0, -100));
    };
    expect(failureOf("qwen3/float32", cut)).toMatch(
      /^CheckpointError: model\.safetensors: tensor ".*" lies outside the file \(bytes \d+ to \d+ of \d+\); the download may be incomplete$/,
    );
  });
});

test("tensors without a use are listed, not refused", () => {
  withFolder({}, folder => {
    cpSync(join(GOLDEN, "llama/windows"), folder, { recursive: true });
    const path = join(folder, "config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...config, num_hidden_layers: 2, layer_types: null }));
    const { info, weights } = loadModel(folder);
    weights.release();
    expect(info.unreadTensors).toHaveLength(9);
    expect(info.unreadTensors[0]).toBe("model.layers.2.input_layernorm.weight");
  });
});

test("where config.json does not say whether embeddings are tied, a missing lm_head decides", () => {
  for (const name of ["qwen3/untied", "qwen3/float32"])
    withFolder({}, folder => {
      cpSync(join(GOLDEN, name), folder, { recursive: true });
      const path = join(folder, "config.json");
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), tie_word_embeddings: null }));
      const { info, weights } = loadModel(folder);
      weights.release();
      expect(info.unreadTensors).toEqual([]);
    });
});

test("each model type has a family file of its name, or is one under another name", () => {
  const renamed: Readonly<Record<string, string>> = {
    gemma3n_text: "gemma3n",
    kimi_k2: "deepseek_v3",
    minimax: "minimax_m2",
    ...Object.fromEntries(["moe", "moe_text", "text"].map(kind => [`qwen3_5_${kind}`, "qwen3_5"])),
  };
  expect(Object.keys(families)).toEqual(Object.keys(families).toSorted());
  for (const name of Object.keys(families))
    expect(readFileSync(join(import.meta.dir, `../../src/models/${renamed[name] ?? name}.ts`), "utf8")).toContain("readConfig");
  for (const [name, family] of Object.entries(renamed)) expect(withConfig(`${family}/plain`, { model_type: name })).toBe("no error");
});
