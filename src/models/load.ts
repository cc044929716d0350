// From a checkpoint folder to a model that computes.
import type { ModelInfo } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import { readAdapter } from "../weights/adapter.ts";
import { Adapters } from "../weights/adapters.ts";
import { readConfigFile, readTensors, type CheckpointTensor } from "../weights/checkpoint.ts";
import { CheckpointError, quoted } from "../weights/error.ts";
import { makePacking, type Packing, type PackingRequest } from "../weights/packing.ts";
import { readQuantization, type LayerSettings } from "../weights/quantization.ts";
import { Weights } from "../weights/weights.ts";
import type { Model } from "./model.ts";
import { families, nearestFamilies, type Choices, type Reader } from "./registry.ts";

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

export interface LoadOptions extends Choices {
  /** Whether matrices are laid out for the CPU back end; without it, small checkpoints are there. */
  readonly turned?: boolean;
  /** How dense matrices are packed; they stay dense without it. */
  readonly packing?: PackingRequest | undefined;
  /** Folders of low-rank adapters, which the rows of a batch choose by their place here, counted from 1. */
  readonly adapters?: readonly string[] | undefined;
}

/** Reads a checkpoint folder; all weights are in memory afterwards. Throws CheckpointError and keeps nothing when it cannot. */
export function loadModel(folder: string, options: LoadOptions = {}, checkpoint = readCheckpoint(folder, options)): LoadedModel {
  const { config, modelType, build, settings, tensors } = checkpoint;
  const bytes = [...tensors.values()].reduce((sum, t) => sum + t.end - t.begin, 0);
  const turned = options.turned ?? (mx.device() === "cpu" && bytes <= TURNED_BYTES);
  const packing = options.packing && choosePacking(options.packing, config);
  const stored = options.adapters?.map(readAdapter) ?? [];
  return mx.scope(() => {
    const adapters = new Adapters(stored);
    const weights = Weights.open(folder, tensors, settings, { turned, packing, adapters });
    try {
      const model = withAdapters(build(weights), adapters);
      adapters.finish();
      const unreadTensors = weights.finish();
      mx.clearCache(); // of what joined and cast matrices were made of
      return new LoadedModel(model, weights, describe(modelType, model, weights, unreadTensors));
    } catch (error) {
      weights.release();
      adapters.release();
      throw error;
    }
  });
}

function withAdapters(model: Model, adapters: Adapters): Model {
  return { ...model, forward: (hidden, batch, kv, ids) => adapters.during(batch.adapters, () => model.forward(hidden, batch, kv, ids)) };
}

export interface Checkpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly modelType: string;
  readonly build: (weights: Weights) => Model;
  readonly settings: LayerSettings;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** All that a folder says before its tensors are read. */
export function readCheckpoint(folder: string, choices: Choices = {}): Checkpoint {
  const config = readConfigFile(folder);
  const modelType = readModelType(config);
  return { config, modelType, build: findFamily(modelType)(config, choices), settings: readQuantization(config), tensors: readTensors(folder) };
}

/** Throws CheckpointError for a group size that MLX does not pack. */
export function choosePacking(request: PackingRequest, config: Readonly<Record<string, unknown>>): Packing {
  const text =
    typeof config["text_config"] === "object" && config["text_config"] !== null ? (config["text_config"] as Record<string, unknown>) : config;
  const packing = makePacking(request, Number(text["num_hidden_layers"] ?? text["num_layers"] ?? 1));
  if (packing === undefined) throw new CheckpointError(`MLX does not pack matrices as ${request.name} in groups of ${request.groupSize ?? 64}`);
  return packing;
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
