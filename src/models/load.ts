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

/** Reads a checkpoint folder; all weights are in memory afterwards. Throws CheckpointError and keeps nothing when it cannot. */
export function loadModel(folder: string): LoadedModel {
  const config = readConfigFile(folder);
  const modelType = readModelType(config);
  const build = findFamily(modelType)(config);
  const settings = readQuantization(config);
  const tensors = readTensors(folder);
  return mx.scope(() => {
    const weights = Weights.open(folder, tensors, settings);
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
