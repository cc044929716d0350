// Checkpoints packed while they are read, and written again: both compute the same, and what is written is MLX's layout.
import { beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convertOptions } from "../../src/config.ts";
import { KvRows } from "../../src/kv/rows.ts";
import { convertModel, type ConvertOptions } from "../../src/models/convert.ts";
import { loadModel, type LoadOptions } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { readTensors } from "../../src/weights/checkpoint.ts";
import { packingNames } from "../../src/weights/packing.ts";
import { openForTests } from "../helpers/mx.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const GOLDEN = join(import.meta.dir, "../golden");
const IDS = [3, 7, 11, 2, 5, 1, 9, 4];

beforeAll(openForTests);

/** Log-probabilities after each id of a prompt. Leaves nothing behind. */
function logprobs(folder: string, options: LoadOptions = {}): number[] {
  const { model, weights } = loadModel(folder, options);
  const kv = new KvRows(model.layout);
  const numbers = mx.scope(() => {
    kv.addRow();
    const ids = mx.fromArray(Uint32Array.from(IDS), [1, IDS.length]);
    const logits = model.logits(model.forward(model.embed(ids), kv.begin(IDS.length), kv.layers, ids));
    return [...mx.toFloat32(mx.subtract(logits, mx.logsumexp(logits, -1, true)))];
  });
  kv.release();
  weights.release();
  return numbers;
}

function worst(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
}

/** Converts into a folder of its own and hands it over; nothing of it stays, and no handle. */
function converted<T>(source: string, options: ConvertOptions, body: (folder: string) => T): T {
  const parent = temporaryFolder("convert");
  const handles = mx.liveHandles();
  convertModel(source, join(parent, "out"), options);
  expect(mx.liveHandles()).toBe(handles);
  expect(readdirSync(parent)).toEqual(["out"]);
  return body(join(parent, "out"));
}

const readJson = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;

describe("packed while it is read or before: the same numbers", () => {
  const families = ["qwen3/bfloat16", "llama/tied", "mixtral/apart", "qwen3_moe/plain", "deepseek_v3/plain", "gpt_oss/released", "lfm2_moe/torch"];
  const more = [
    "granitemoehybrid/dense",
    "mamba2/torch",
    "gemma3/text",
    "phi3/plain",
    "internlm2/plain",
    "qwen3_5_moe/torch",
    "granitemoe/joined",
    "gemma4/release",
  ];
  test.each([...families, ...more])("%s", name => {
    const source = join(GOLDEN, name);
    const packing = { name: "4", groupSize: 32 };
    converted(source, { packing }, folder => {
      expect(worst(logprobs(folder), logprobs(source, { packing }))).toBeLessThan(1e-4);
      expect(worst(logprobs(folder), logprobs(folder, { turned: false }))).toBeLessThan(2e-3);
      expect(readJson(folder, "config.json")["quantization"]).toMatchObject({ bits: 4, group_size: 32, mode: expect.any(String) as string });
    });
  });

  test("without packing nothing is lost, and layouts of other tools are gone", () => {
    for (const name of ["qwen3/sharded", "mixtral/apart", "lfm2/torch", "gpt_oss/released", "qwen3/mixed", "gemma4/release"])
      converted(join(GOLDEN, name), {}, folder => {
        expect(worst(logprobs(folder), logprobs(join(GOLDEN, name)))).toBe(0);
        const names = [...readTensors(folder).keys()];
        expect(names.filter(one => /experts\.\d+\.|_blocks$|gate_up_proj$/.test(one))).toEqual([]);
      });
  });
});

describe("what is packed, and how", () => {
  const source = join(GOLDEN, "qwen3/bfloat16");

  test.each(packingNames)("--quantize %s", name => {
    converted(source, { packing: { name, groupSize: 32 } }, folder => {
      const tensors = readTensors(folder);
      expect(tensors.get("model.layers.0.self_attn.q_proj.weight")!.dtype).toBe("uint32");
      expect(tensors.get("model.norm.weight")!.dtype).toBe("bfloat16");
      expect(logprobs(folder).every(Number.isFinite)).toBe(true);
    });
  });

  test("the flag's choices are those", () => {
    expect(convertOptions.quantize.value).toBe(["none", ...packingNames].join("|"));
  });

  test("a recipe gives more bits to some matrices, by name in config.json", () => {
    converted(source, { packing: { name: "mixed_2_6", groupSize: 32 } }, folder => {
      const settings = readJson(folder, "config.json")["quantization"] as Record<string, unknown>;
      expect(settings["bits"]).toBe(2);
      const named = Object.keys(settings).filter(key => key.includes("."));
      expect(named.length).toBeGreaterThan(0);
      for (const key of named) {
        expect(key).toMatch(/(v_proj|down_proj)$/);
        expect(settings[key]).toEqual({ group_size: 32, bits: 6, mode: "affine" });
      }
    });
  });

  test("routers stay dense, packed matrices stay as they are", () => {
    converted(join(GOLDEN, "qwen3_moe/mixed"), { packing: { name: "8", groupSize: 32 } }, folder => {
      expect(worst(logprobs(folder), logprobs(join(GOLDEN, "qwen3_moe/mixed")))).toBeLessThan(1e-2);
    });
    converted(join(GOLDEN, "qwen3_moe/plain"), { packing: { name: "8", groupSize: 32 } }, folder => {
      const tensors = readTensors(folder);
      expect(tensors.get("model.layers.0.mlp.gate.weight")!.dtype).toBe("bfloat16");
      expect(tensors.get("model.layers.0.mlp.switch_mlp.up_proj.weight")!.dtype).toBe("uint32");
    });
    converted(join(GOLDEN, "gemma4/release"), { packing: { name: "8", groupSize: 32 } }, folder => {
      expect(readTensors(folder).get("model.language_model.layers.0.router.proj.weight")!.dtype).toBe("bfloat16");
    });
  });

  test("numbers that are not packed, and scales, take the type that is asked for", () => {
    converted(source, { packing: { name: "4", groupSize: 32 }, dtype: "float16" }, folder => {
      const types = new Set([...readTensors(folder).values()].map(({ dtype }) => dtype));
      expect(types).toEqual(new Set(["uint32", "float16"]));
      expect(readJson(folder, "config.json")["torch_dtype"]).toBe("float16");
    });
  });

  test("files have a bounded size and an index that names them", () => {
    converted(source, { fileBytes: 10_000 }, folder => {
      const files = readdirSync(folder).filter(file => file.endsWith(".safetensors"));
      expect(files.length).toBeGreaterThan(3);
      expect(files.toSorted()[0]).toBe(`model-00001-of-${String(files.length).padStart(5, "0")}.safetensors`);
      const { weight_map: map } = readJson(folder, "model.safetensors.index.json") as { weight_map: Record<string, string> };
      expect(new Set(Object.values(map))).toEqual(new Set(files));
      expect(worst(logprobs(folder), logprobs(source))).toBe(0);
    });
  });
});

test("fp8 checkpoints are read: bytes times the factors of their squares", () => {
  const folder = temporaryFolder("fp8");
  const [plain, small] = [join(folder, "plain"), join(folder, "fp8")];
  for (const one of [plain, small]) cpSync(join(GOLDEN, "llama/plain"), one, { recursive: true });
  mx.scope(() => {
    const all = mx.loadSafetensors(join(GOLDEN, "llama/plain/model.safetensors"));
    const [dense, packed] = [new Map<string, mx.Tensor>(), new Map<string, mx.Tensor>()];
    for (const [name, tensor] of all) {
      if (!name.endsWith("_proj.weight")) {
        for (const map of [dense, packed]) map.set(name, tensor);
        continue;
      }
      const [rows, columns] = mx.shape(tensor) as [number, number];
      const finite = Uint8Array.from({ length: rows * columns }, (_, at) => ((at * 37) % 0x38) | ((at % 2) << 7)); // of both signs, below 2
      const bytes = mx.fromArray(finite, [rows, columns]);
      const factors = mx.full([Math.ceil(rows / 128), Math.ceil(columns / 128)], 0.25, "float32");
      packed.set(name, bytes).set(`${name}_scale_inv`, factors);
      dense.set(name, mx.astype(mx.multiply(mx.fromFp8(bytes, "float32"), mx.scalar(0.25)), "bfloat16"));
    }
    mx.saveSafetensors(join(plain, "model.safetensors"), dense, {});
    mx.saveSafetensors(join(small, "model.safetensors"), packed, {});
    for (const tensor of all.values()) mx.release(tensor);
  });
  const setting = (blocks: number[]) => ({
    ...readJson(plain, "config.json"),
    quantization_config: { quant_method: "fp8", weight_block_size: blocks },
  });
  writeFileSync(join(small, "config.json"), JSON.stringify(setting([128, 128])));
  expect(logprobs(small)).toEqual(logprobs(plain));
  converted(small, { packing: { name: "8", groupSize: 32 } }, made => expect(worst(logprobs(made), logprobs(small))).toBeLessThan(0.5));
  writeFileSync(join(small, "config.json"), JSON.stringify(setting([64, 64])));
  expect(() => loadModel(small)).toThrow("quantization_config.weight_block_size is [64,64], supported: [128,128]");
});

describe("what cannot be converted leaves nothing", () => {
  test("a folder that holds something, a group size MLX lacks, a broken source", () => {
    const parent = temporaryFolder("convert");
    const handles = mx.liveHandles();
    const source = join(GOLDEN, "qwen3/bfloat16");
    writeFileSync(join(parent, "file"), "x");
    expect(() => convertModel(source, parent, {})).toThrow("is there already");
    expect(() => convertModel(source, join(parent, "file"), {})).toThrow("is there already");
    expect(() => convertModel(source, join(parent, "a"), { packing: { name: "4", groupSize: 48 } })).toThrow(
      "MLX does not pack matrices as 4 in groups of 48",
    );
    cpSync(source, join(parent, "broken"), { recursive: true });
    writeFileSync(join(parent, "broken/model.safetensors"), "short");
    expect(() => convertModel(join(parent, "broken"), join(parent, "b"), {})).toThrow("model.safetensors");
    expect(existsSync(join(parent, "a")) || existsSync(join(parent, "b"))).toBe(false);
    expect(readdirSync(parent).toSorted()).toEqual(["broken", "file"]);
    expect(mx.liveHandles()).toBe(handles);
  });
});
