// `pippin bench-kv-cache`: what quantized keys and values save in memory and cost in accuracy and time, on random numbers.
import { locateAssets } from "../../assets/locate.ts";
import { readOptions } from "../../config.ts";
import * as mx from "../../mx/index.ts";
import type { Tensor } from "../../mx/index.ts";
import { usageError } from "../error.ts";
import { kvCacheOptions } from "./options.ts";
import { toText } from "./table.ts";

interface Measured {
  readonly bytes: number;
  readonly meanError: number;
  readonly maxError: number;
  readonly quantizeMs: number;
  readonly dequantizeMs: number;
}

export async function benchKvCache(args: readonly string[]): Promise<void> {
  const { values } = readOptions("bench-kv-cache", kvCacheOptions, args, { positionals: 0 });
  const { layers, seqLen, heads, headDim, groupSize, device } = values;
  if (![32, 64, 128].includes(groupSize)) throw usageError(`--group-size is 32, 64 or 128, not ${groupSize}`);
  if (headDim % groupSize !== 0) throw usageError(`--head-dim ${headDim} is not a multiple of --group-size ${groupSize}`);
  const used = mx.openLibrary((await locateAssets()).libraryPath, device);
  const plain = 2 * layers * heads * seqLen * headDim * 2; // float16
  process.stdout.write(`${layers} layers, ${heads} heads of ${headDim}, ${seqLen} tokens, groups of ${groupSize}, on the ${used}\n\n`);
  const measured = ([8, 4] as const).map(bits => [bits, measureAll(values, bits)] as const);
  const rows = [
    { Mode: "fp16", "Memory MB": plain / 1e6, Savings: "1.00x", "Mean Err": 0, "Max Err": 0, "Quant ms": undefined, "Dequant ms": undefined },
    ...measured.map(([bits, m]) => ({
      Mode: `${bits}-bit`,
      "Memory MB": m.bytes / 1e6,
      Savings: `${(plain / m.bytes).toFixed(2)}x`,
      "Mean Err": m.meanError,
      "Max Err": m.maxError,
      "Quant ms": m.quantizeMs,
      "Dequant ms": m.dequantizeMs,
    })),
  ];
  process.stdout.write(toText(rows, "table"));
  process.stdout.write("\n8 bits keep nearly all accuracy; 4 bits are for contexts that do not fit otherwise.\n");
  process.stdout.write("  pippin serve MODEL --kv-cache-quantization\n  pippin serve MODEL --kv-cache-quantization --kv-cache-quantization-bits 4\n");
}

type Settings = Readonly<Record<"layers" | "seqLen" | "heads" | "headDim" | "groupSize", number>>;

/** Layer by layer, so that memory holds one at a time; errors are means and the maximum over all. */
function measureAll({ layers, seqLen, heads, headDim, groupSize }: Settings, bits: 4 | 8): Measured {
  const all = Array.from({ length: 2 * layers }, (_, at) =>
    mx.scope(() => measureOne(mx.randomNormal([1, heads, seqLen, headDim], "float16", at), { bits, groupSize, mode: "affine" })),
  );
  const sum = (of: (one: Measured) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    bytes: sum(one => one.bytes),
    meanError: sum(one => one.meanError) / all.length,
    maxError: Math.max(...all.map(one => one.maxError)),
    quantizeMs: sum(one => one.quantizeMs),
    dequantizeMs: sum(one => one.dequantizeMs),
  };
}

function measureOne(numbers: Tensor, quantization: mx.Quantization): Measured {
  mx.evaluate(numbers);
  const start = performance.now();
  const parts = mx.quantize(numbers, quantization);
  mx.evaluate(...parts);
  const middle = performance.now();
  const back = mx.dequantize(parts[0]!, parts[1]!, parts[2], quantization);
  mx.evaluate(back);
  const end = performance.now();
  const off = mx.abs(mx.subtract(mx.astype(numbers, "float32"), mx.astype(back, "float32")));
  const [meanError, maxError] = [mx.toFloat32(mx.mean(off))[0]!, mx.toFloat32(mx.max(off))[0]!];
  const bytes = parts.reduce((total, part) => total + mx.byteSize(part), 0);
  return { bytes, meanError, maxError, quantizeMs: middle - start, dequantizeMs: end - middle };
}
