// `pippin convert`: a checkpoint in MLX's layout, packed or not, which mlx-lm reads too.
import { locateAssets } from "../assets/locate.ts";
import { convertOptions, readOptions } from "../config.ts";
import { convertModel } from "../models/convert.ts";
import * as mx from "../mx/index.ts";
import { CheckpointError } from "../weights/error.ts";
import { CliError, exitCodes, usageError } from "./error.ts";
import { findModel } from "./find-model.ts";

export async function convert(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions("convert", convertOptions, args, { positionals: 2 });
  const [source, output] = positionals;
  if (source === undefined || output === undefined) throw usageError("convert takes two folders: a model and where to write; 'pippin help convert'");
  const { quantize, quantizeGroupSize: groupSize, dtype, device } = values;
  mx.openLibrary((await locateAssets()).libraryPath, device);
  const packing = quantize === "none" ? undefined : { name: quantize, groupSize };
  try {
    const done = convertModel(findModel(source), output, { packing, dtype: dtype === "stored" ? undefined : dtype });
    const unread = done.unread.length === 0 ? "" : `; ${done.unread.length} tensors were not used: ${done.unread.slice(0, 3).join(", ")}`;
    process.stdout.write(`${output}: ${done.quantization}, ${(done.bytes / 1e6).toFixed(1)} MB in ${done.files} files${unread}\n`);
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof mx.MxError) throw new CliError(error.message, exitCodes.failed);
    throw error;
  }
}
