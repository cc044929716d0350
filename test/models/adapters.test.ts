// Low-rank adapters against mlx-lm, and what is refused of them.
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync, cpSync } from "node:fs";
import { join } from "node:path";
import { KvRows } from "../../src/kv/rows.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { failure, withFolder, zeroTensors } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { GOLDEN } from "./suite.ts";

const BASE = join(GOLDEN, "qwen3/8-bit");
const NAMES = ["some", "every", "peft", "dora", "peft-dora"];
const folderOf = (name: string, family = "qwen3") => join(GOLDEN, "adapters", family, name);

beforeAll(openForTests);

/** Log-probabilities [ids, vocab] after each id, through one adapter. */
function read({ model }: LoadedModel, ids: Int32Array, adapter: number): Float32Array {
  const kv = new KvRows(model.layout);
  kv.addRow();
  const logprobs = mx.scope(() => {
    const batch = { ...kv.begin(ids.length), ...(adapter > 0 && { adapters: mx.fromArray(Int32Array.of(adapter), [1]) }) };
    const tokens = mx.fromArray(ids, [1, ids.length]);
    const logits = model.logits(model.forward(model.embed(tokens), batch, kv.layers, tokens));
    return mx.toFloat32(mx.subtract(logits, mx.logsumexp(logits, -1, true)));
  });
  kv.release();
  return logprobs;
}

function reference(folder: string): { ids: Int32Array; logprobs: Float32Array } {
  const tensors = mx.loadSafetensors(join(folder, "reference.safetensors"));
  const read = { ids: mx.toInt32(tensors.get("ids")!), logprobs: mx.toFloat32(tensors.get("logprobs")!) };
  tensors.forEach(mx.release);
  return read;
}

describe.each([false, true])("with matrices turned: %p", turned => {
  test("log-probabilities are mlx-lm's, with several adapters loaded, and the model's own without one", () => {
    const before = mx.liveHandles();
    const [plain, loaded] = [loadModel(BASE, { turned }), loadModel(BASE, { turned, adapters: NAMES.map(name => folderOf(name)) })];
    for (const [i, name] of NAMES.entries()) {
      const { ids, logprobs } = reference(folderOf(name));
      const worst = read(loaded, ids, i + 1).reduce((most, value, at) => Math.max(most, Math.abs(value - logprobs[at]!)), 0);
      console.log(`adapters/qwen3/${name} turned ${turned}: worst difference ${worst.toExponential(1)}`);
      expect(worst).toBeLessThan(1e-3);
      expect(read(loaded, ids, 0)).toEqual(read(plain, ids, 0));
      const single = loadModel(BASE, { turned, adapters: [folderOf(name)] });
      expect(read(single, ids, 1).every((value, at) => Math.abs(value - logprobs[at]!) < 1e-3)).toBe(true);
      single.weights.release();
    }
    for (const { weights } of [plain, loaded]) weights.release();
    expect(mx.liveHandles()).toBe(before);
  });

  test("an adapter that stretches projections leaves their biases as they are", () => {
    const folder = folderOf("dora", "qwen2");
    const loaded = loadModel(join(GOLDEN, "qwen2/plain"), { turned, adapters: [folder] });
    const { ids, logprobs } = reference(folder);
    const worst = read(loaded, ids, 1).reduce((most, value, at) => Math.max(most, Math.abs(value - logprobs[at]!)), 0);
    console.log(`adapters/qwen2/dora turned ${turned}: worst difference ${worst.toExponential(1)}`);
    expect(worst).toBeLessThan(1e-3);
    loaded.weights.release();
  });
});

describe("refused in one line, with nothing kept", () => {
  const config = { fine_tune_type: "lora", lora_parameters: { rank: 2, scale: 1, dropout: 0 } };
  const q = "model.layers.0.self_attn.q_proj";
  const pair = (path: string, inputs = 64, outputs = 64) => ({ [`${path}.lora_a`]: [inputs, 2], [`${path}.lora_b`]: [2, outputs] });

  function refusal(shapes: Record<string, number[]>, fields: object = config, base = BASE): string {
    return withFolder({ "adapter_config.json": fields, "adapters.safetensors": zeroTensors(shapes) }, folder => {
      const before = mx.liveHandles();
      const message = failure(() => loadModel(base, { adapters: [folder] }).weights.release());
      expect(mx.liveHandles()).toBe(before);
      return message.replace(folder, "FOLDER");
    });
  }

  test("a good one is not", () => expect(refusal(pair(q))).toBe("no error"));

  test("tensors that do not fit, by file and name", () => {
    expect(refusal(pair(q, 32))).toBe(`CheckpointError: FOLDER/adapters.safetensors: tensor "${q}.lora_a" has shape [32, 2], expected [64, 2]`);
    expect(refusal(pair(q, 64, 32))).toContain(`tensor "${q}.lora_b" has shape [2, 32], expected [2, 64]`);
    expect(refusal(pair(q), { ...config, lora_parameters: { rank: 3, scale: 1 } })).toContain("has shape [64, 2], expected [64, 3]");
    expect(refusal(pair(q), config, join(GOLDEN, "qwen3/float32"))).toContain("has shape [64, 2], expected [32, 2]"); // another base
    expect(refusal({ [`${q}.lora_a`]: [64, 2] })).toContain(`tensor "${q}.lora_b" is missing`);
    expect(refusal({ [`${q}.lora_a`]: [64], [`${q}.lora_b`]: [2, 64] })).toContain(`tensor "${q}.lora_a" has shape [64], expected a matrix`);
    expect(refusal({ ...pair(q), [`${q}.m`]: [64] })).toContain(`tensor "${q}.m" is no part of a low-rank adapter`);
    const dora = { ...config, fine_tune_type: "dora" };
    expect(refusal(pair(q), dora)).toContain(`tensor "${q}.m" is missing`);
    expect(refusal({ ...pair(q), [`${q}.m`]: [32] }, dora)).toContain(`tensor "${q}.m" has shape [32], expected [64]`);
    expect(refusal({ ...pair(q), [`${q}.m`]: [1, 64] }, dora)).toContain(`tensor "${q}.m" has shape [1, 64], expected [64]`);
    for (const path of ["model.layers.9.self_attn.q_proj", "model.embed_tokens", "transformer.h.0.attn"])
      expect(refusal(pair(path))).toContain(`tensor "${path}.lora_a" changes no projection of this model`);
    expect(refusal(pair("lm_head", 64, 128))).toContain('tensor "lm_head.lora_a" changes a projection outside of the layers');
    expect(refusal({})).toEndWith("adapters.safetensors: holds no tensor");
  });

  test("configs, by field", () => {
    expect(refusal(pair(q), { ...config, fine_tune_type: "full" })).toBe(
      'CheckpointError: FOLDER/adapter_config.json: fine_tune_type is "full", supported: lora, dora',
    );
    expect(refusal(pair(q), { fine_tune_type: "lora" })).toEndWith("lora_parameters is missing");
    expect(refusal(pair(q), { lora_parameters: { rank: 0, scale: 1 } })).toEndWith("lora_parameters.rank is 0, not a positive integer");
    expect(refusal(pair(q), { lora_parameters: { rank: 2, scale: "x" } })).toEndWith('lora_parameters.scale is "x", not a number');
  });

  test("PEFT's extras", () => {
    const peft = JSON.parse(readFileSync(join(folderOf("peft"), "adapter_config.json"), "utf8")) as object;
    const refused = (fields: object) =>
      withFolder({}, folder => {
        cpSync(folderOf("peft"), folder, { recursive: true });
        writeFileSync(join(folder, "adapter_config.json"), JSON.stringify({ ...peft, ...fields }));
        return failure(() => loadModel(BASE, { adapters: [folder] }).weights.release());
      });
    expect(refused({ rank_pattern: {}, modules_to_save: null, use_dora: false })).toBe("no error");
    expect(refused({ use_dora: true })).toContain('lora_magnitude_vector" is missing');
    expect(refused({ modules_to_save: ["lm_head"] })).toEndWith("modules_to_save is not supported");
    expect(refused({ peft_type: "IA3" })).toEndWith('peft_type is "IA3", supported: LORA');
    expect(refused({ r: undefined })).toEndWith("r is missing, not a positive integer");
  });

  test("folders that hold none", () => {
    expect(failure(() => loadModel(BASE, { adapters: ["/nowhere"] }))).toBe(
      "CheckpointError: /nowhere: no adapters.safetensors and no adapter_model.safetensors",
    );
    const cut = { "adapter_config.json": config, "adapters.safetensors": "cut" };
    withFolder(cut, folder => expect(failure(() => loadModel(BASE, { adapters: [folder] }))).toContain("adapters.safetensors: truncated"));
  });
});
