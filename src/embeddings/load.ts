// From a checkpoint folder to something that turns texts into numbers.
import type { EncodeText, EncoderInfo, Verdict } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import { readConfigFile, readTensors, type CheckpointTensor } from "../weights/checkpoint.ts";
import { CheckpointError } from "../weights/error.ts";
import { Fields } from "../weights/fields.ts";
import { readQuantization } from "../weights/quantization.ts";
import { Weights } from "../weights/weights.ts";
import type { Encoder, Ranker } from "./encoder.ts";
import { readHead, type Head } from "./modules.ts";
import { findArchitecture } from "./registry.ts";
import { Packed } from "./texts.ts";

export interface LoadOptions {
  readonly task: "embed" | "rank";
  readonly verdict?: Verdict;
  readonly turned?: boolean; // whether matrices are laid out for the CPU back end; without it, small checkpoints are there
}

/** On the CPU back end checkpoints up to this size are unpacked and turned, which is several times as fast and costs up to four times the bytes. */
const TURNED_BYTES = 512 * 2 ** 20;

/** A class, so that the scope it is made in does not take its numbers for tensors. */
export class LoadedEncoder {
  constructor(
    private readonly encoder: Encoder,
    private readonly head: Head,
    private readonly weights: Weights,
    readonly info: EncoderInfo,
  ) {}

  /** One vector per text, in the order of the texts. Each text's numbers are its own: they do not depend on the others. */
  encode(texts: readonly EncodeText[]): Float32Array[] {
    const order = texts.map((_, i) => i).sort((a, b) => texts[b]!.ids.length - texts[a]!.ids.length);
    const numbers = mx.scope(() => {
      const packed = new Packed(order.map(i => texts[i]!));
      return mx.toFloat32(this.head.apply(this.encoder.forward(packed), packed));
    });
    const vectors = new Array<Float32Array>(texts.length);
    order.forEach((i, row) => (vectors[i] = numbers.slice(row * this.head.width, (row + 1) * this.head.width)));
    return vectors;
  }

  release(): void {
    this.head.release();
    this.weights.release();
  }
}

export interface Checkpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly modelType: string;
  readonly architecture: ReturnType<ReturnType<typeof findArchitecture>>;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** All that a folder says before its tensors are read. */
export function readCheckpoint(folder: string): Checkpoint {
  const config = readConfigFile(folder);
  const modelType = new Fields(config).text("model_type");
  if (modelType === undefined) throw new CheckpointError("config.json: model_type is missing");
  return { config, modelType, architecture: findArchitecture(modelType)(config), tensors: readTensors(folder) };
}

/** Reads a checkpoint folder; all weights are in memory afterwards. Throws CheckpointError and keeps nothing when it cannot. */
export function loadEncoder(folder: string, options: LoadOptions, checkpoint = readCheckpoint(folder)): LoadedEncoder {
  const { config, modelType, architecture, tensors } = checkpoint;
  if (options.task === "rank") checkLabels(new Fields(config));
  const bytes = [...tensors.values()].reduce((sum, t) => sum + t.end - t.begin, 0);
  const turned = options.turned ?? (mx.device() === "cpu" && bytes <= TURNED_BYTES);
  return mx.scope(() => {
    const weights = Weights.open(folder, tensors, readQuantization(config), { turned });
    let head: Head | undefined;
    try {
      const ranker = options.task === "rank" ? architecture.ranker(weights, options.verdict) : undefined;
      const encoder = ranker ?? architecture.encoder(weights);
      head = ranker === undefined ? readHead(folder, encoder) : rankHead(ranker);
      const unreadTensors = weights.finish();
      mx.clearCache();
      return new LoadedEncoder(encoder, head, weights, describe(modelType, encoder, head, weights, unreadTensors));
    } catch (error) {
      head?.release();
      weights.release();
      throw error;
    }
  });
}

function checkLabels(c: Fields): void {
  const labels = c.names("id2label").length || c.count("num_labels", 1);
  const isClassifier = (c.list("architectures") ?? []).some(name => String(name).endsWith("ForSequenceClassification"));
  if (isClassifier && labels !== 1) throw c.error("id2label", `names ${labels} labels, and a reranker has one`);
}

function rankHead(ranker: Ranker): Head {
  return {
    width: 1,
    parameters: 0,
    bytes: 0,
    summary: "score",
    apply: (hidden, texts) => mx.astype(ranker.score(hidden, texts), "float32"),
    release: () => {},
  };
}

function describe(modelType: string, encoder: Encoder, head: Head, weights: Weights, unreadTensors: readonly string[]): EncoderInfo {
  return {
    modelType,
    parameters: weights.parameters + head.parameters,
    bytes: weights.bytes + head.bytes,
    quantization: weights.quantization,
    vocabSize: encoder.vocabSize,
    segments: encoder.segments,
    maxLength: encoder.maxLength,
    width: head.width,
    head: head.summary,
    device: mx.device(),
    unreadTensors,
  };
}
