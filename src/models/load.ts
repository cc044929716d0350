// From a checkpoint folder to a model that computes.
import type { ModelInfo } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import { readConfigFile, readTensors } from "../weights/checkpoint.ts";
import { CheckpointError, quoted } from "../weights/error.ts";
import { readQuantization } from "../weights/quantization.ts";
import { Weights } from "../weights/weights.ts";
import type { Model } from "./model.ts";
import { families, nearestFamilies, type Reader } from "./registry.ts";

/** A class, so that the scope it is made in does not take its numbers for tensors. */
export class LoadedModel {
  constructor(
    readonly model: Model,
    readonly weights: Weights, // the caller releases them when the model is no longer used
    readonly info: ModelInfo,
  ) {}
}

/** On the CPU back end checkpoints up to this size are unpacked to float32, which costs four times their bytes (8-bit) and pays in speed. */
const TURNED_BYTES = 128 * 2 ** 20;

/**
 * Reads a checkpoint folder; all weights are in memory afterwards. Throws CheckpointError and keeps nothing when it cannot.
 * `turned` says whether matrices are laid out for the CPU back end; without it, small checkpoints are there.
 */
export function loadModel(folder: string, options: { readonly turned?: boolean } = {}): LoadedModel {
  const config = readConfigFile(folder);
  const modelType = readModelType(config);
  const build = findFamily(modelType)(config);
  const settings = readQuantization(config);
  const tensors = readTensors(folder);
  const bytes = [...tensors.values()].reduce((sum, t) => sum + t.end - t.begin, 0);
  const turned = options.turned ?? (mx.device() === "cpu" && bytes <= TURNED_BYTES);
  return mx.scope(() => {
    const weights = Weights.open(folder, tensors, settings, turned);
    try {
      const model = build(weights);
      const unreadTensors = weights.finish();
      mx.clearCache(); // of what joined and cast matrices were made of
      return new LoadedModel(model, weights, describe(modelType, model, weights, unreadTensors));
    } catch (error) {
      weights.release();
      throw error;
    }
  });
}

function readModelType(config: Readonly<Record<string, unknown>>): string {
  const modelType = config["model_type"];
  if (typeof modelType !== "string") throw new CheckpointError("config.json: model_type is missing");
  return modelType;
}

function findFamily(modelType: string): Reader {
  if (Object.hasOwn(families, modelType)) return families[modelType]!;
  throw new CheckpointError(`config.json: model_type ${quoted(modelType)} is not supported; nearest are ${nearestFamilies(modelType).join(", ")}`);
}

function describe(modelType: string, model: Model, weights: Weights, unreadTensors: readonly string[]): ModelInfo {
  return {
    modelType,
    parameters: weights.parameters,
    bytes: weights.bytes,
    quantization: weights.quantization,
    vocabSize: model.vocabSize,
    contextLength: model.contextLength,
    layers: model.layout.length,
    device: mx.device(),
    unreadTensors,
  };
}
