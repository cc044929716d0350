// What a checkpoint's sentence-transformers files say of the way from hidden vectors to embeddings: how they are pooled, which dense
// layers follow, whether the result is normalised.
import { join } from "node:path";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { isFile, readJson, readJsonObject, readTensors } from "../weights/checkpoint.ts";
import { CheckpointError, quoted } from "../weights/error.ts";
import { Fields } from "../weights/fields.ts";
import { Weights } from "../weights/weights.ts";
import type { Encoder, Pooling } from "./encoder.ts";
import { normalize, pool } from "./pooling.ts";
import type { Packed } from "./texts.ts";

const MODULES = "modules.json";

/** From the vectors of ids to one vector per text. */
export interface Head {
  readonly width: number;
  readonly parameters: number; // of dense layers, and their bytes
  readonly bytes: number;
  readonly summary: string; // "mean, dense 768 to 3072, normalised"
  /** [1, T, hidden] → [texts, width] float32. */
  apply(hidden: Tensor, texts: Packed): Tensor;
  /** Gives the tensors of dense layers back. */
  release(): void;
}

/** One module behind pooling. */
interface Step {
  readonly summary: string;
  readonly width: number;
  readonly apply: (x: Tensor) => Tensor;
  readonly weights?: Weights;
}

/** Reads the files, or takes the architecture's own pooling, normalised, where there are none. Call inside a scope. */
export function readHead(folder: string, encoder: Encoder): Head {
  const modules = isFile(join(folder, MODULES)) ? readModules(folder) : [];
  const at = modules.findIndex(({ type }) => type === "Pooling");
  const pooling = at < 0 ? encoder.pooling : readPooling(folder, modules[at]!.path);
  const steps: Step[] = [];
  const width = () => steps.at(-1)?.width ?? encoder.width;
  const release = () => steps.forEach(({ weights }) => weights?.release());
  try {
    for (const { type, path } of modules)
      if (type === "Dense") steps.push(readDense(folder, path, width()));
      else if (type === "Normalize") steps.push(normalized(width()));
    if (modules.length === 0) steps.push(normalized(width()));
  } catch (error) {
    release();
    throw error;
  }
  return {
    width: width(),
    parameters: steps.reduce((sum, { weights }) => sum + (weights?.parameters ?? 0), 0),
    bytes: steps.reduce((sum, { weights }) => sum + (weights?.bytes ?? 0), 0),
    summary: [pooling, ...steps.map(({ summary }) => summary)].join(", "),
    apply: (hidden, texts) => steps.reduce((x, { apply }) => apply(x), mx.astype(pool(hidden, texts, pooling), "float32")),
    release,
  };
}

interface Module {
  readonly type: "Transformer" | "Pooling" | "Dense" | "Normalize";
  readonly path: string;
}

const order = ["Transformer", "Pooling", "Dense", "Normalize"] as const;

function readModules(folder: string): Module[] {
  const list = readJson(folder, MODULES);
  if (!Array.isArray(list)) throw new CheckpointError(`${MODULES}: no list`);
  const modules = list.map((entry, i): Module => {
    if (typeof entry !== "object" || entry === null) throw new CheckpointError(`${MODULES}: entry ${i} is no object`);
    const fields = new Fields(entry as Record<string, unknown>, `[${i}].`, MODULES);
    const [name, path] = [fields.text("type", ""), fields.text("path", "")];
    const type = order.find(known => known === name.split(".").at(-1));
    if (type === undefined) throw fields.error("type", `is ${quoted(name)}, supported: ${order.join(", ")}`);
    if (!/^([\w-][\w.-]*)?$/.test(path)) throw fields.error("path", `is ${quoted(path)}, which is no folder of the checkpoint`);
    return { type, path };
  });
  if (modules[0]?.type !== "Transformer" || modules[1]?.type !== "Pooling" || modules.slice(2).some(({ type }) => order.indexOf(type) < 2))
    throw new CheckpointError(`${MODULES}: must be a Transformer, one Pooling, and then nothing but Dense and Normalize`);
  return modules;
}

/** By the names of both generations of the file. */
const poolings: Readonly<Record<string, Pooling>> = {
  mean: "mean",
  cls: "cls",
  lasttoken: "last",
  max: "max",
  mean_sqrt_len_tokens: "mean_sqrt_len",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_cls_token: "cls",
  pooling_mode_lasttoken: "last",
  pooling_mode_max_tokens: "max",
  pooling_mode_mean_sqrt_len_tokens: "mean_sqrt_len",
};

function readPooling(folder: string, path: string): Pooling {
  const file = `${path}/config.json`;
  const json = readJsonObject(folder, file);
  const fields = new Fields(json, "", file);
  if (!fields.flag("include_prompt", true)) throw fields.error("include_prompt", "is false, which is not supported");
  const modes = typeof json["pooling_mode"] === "string" ? [json["pooling_mode"]] : (fields.list("pooling_mode") ?? oldModes(json));
  const [mode] = modes;
  if (modes.length !== 1 || typeof mode !== "string" || !Object.hasOwn(poolings, mode))
    throw fields.error("pooling_mode", `is ${modes.join(" and ") || "missing"}, supported is one of mean, cls, lasttoken, max, mean_sqrt_len_tokens`);
  return poolings[mode]!;
}

function oldModes(json: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(json).filter(name => name.startsWith("pooling_mode_") && json[name] === true);
}

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  Identity: x => x,
  Tanh: mx.tanh,
  ReLU: mx.relu,
  GELU: mx.gelu,
  SiLU: mx.silu,
  Sigmoid: mx.sigmoid,
};

function readDense(folder: string, path: string, inputs: number): Step {
  const file = `${path}/config.json`;
  const c = new Fields(readJsonObject(folder, file), "", file);
  const outputs = c.count("out_features");
  if (c.count("in_features") !== inputs) throw c.error("in_features", `is ${c.count("in_features")}, and the vectors have ${inputs} numbers`);
  const said = c.text("activation_function", "torch.nn.modules.activation.Tanh");
  const name = /^torch\.nn\.(?:modules\.\w+\.)?(\w+)$/.exec(said)?.[1] ?? "";
  if (!Object.hasOwn(activations, name))
    throw c.error("activation_function", `is ${quoted(said)}, supported: ${Object.keys(activations).join(", ")} of torch.nn`);
  const activation = activations[name]!;
  const weights = Weights.open(join(folder, path), readTensors(join(folder, path)), new Map(), { turned: false });
  try {
    const linear = weights.linear("linear", inputs, outputs, c.flag("bias", true));
    weights.finish();
    return { summary: `dense ${inputs} to ${outputs}`, width: outputs, weights, apply: x => mx.astype(activation(linear(x)), "float32") };
  } catch (error) {
    weights.release();
    throw error;
  }
}

function normalized(width: number): Step {
  return { summary: "normalised", width, apply: normalize };
}
