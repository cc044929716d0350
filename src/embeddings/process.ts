// An encoder process: one model, one thread, MLX. Started by engine/encoder-client.ts with the hidden command `encoder`; speaks over IPC.
import { openInbox, refuse, send } from "../engine/channel.ts";
import type { EncoderOptions, ToEncoder } from "../engine/protocol.ts";
import { checkRoom } from "../engine/room.ts";
import { warmsUp } from "../engine/warm-up-stages.ts";
import * as mx from "../mx/index.ts";
import { loadEncoder, readCheckpoint, type LoadedEncoder } from "./load.ts";
import { EncoderLoop } from "./loop.ts";

/** Ids of one step: enough for matrix products at full speed, few enough that an abort or a short request does not wait long. */
const STEP_TOKENS = { cpu: 1024, gpu: 16_384 };
const WARM_UP_LENGTHS = [8, 64, 64];

/** Runs until the parent says drain or goes away. Never throws: what went wrong is sent as `refused`. */
export async function runEncoderProcess(): Promise<void> {
  const { options, forward } = await openInbox<EncoderOptions, ToEncoder>();
  const loop = start(options);
  if (loop === undefined) return;
  forward(message => loop.receive(message));
  await loop.run();
  process.exit(0);
}

function start({
  libraryPath,
  device,
  warmUp: option,
  modelPath,
  task,
  verdict,
  maxQueue,
  memoryUtilization,
}: EncoderOptions): EncoderLoop | undefined {
  try {
    const kind = mx.openLibrary(libraryPath, device);
    const checkpoint = readCheckpoint(modelPath);
    checkRoom(checkpoint.tensors, Math.floor(mx.deviceMemory() * memoryUtilization));
    const encoder = loadEncoder(modelPath, { task, ...(verdict && { verdict }) }, checkpoint);
    if (warmsUp(option, kind)) warmUp(encoder);
    const { vocabSize, maxLength } = encoder.info;
    const encode = encoder.encode.bind(encoder);
    const loop = new EncoderLoop({ encode, send, vocabSize, maxLength, maxQueue, stepTokens: STEP_TOKENS[kind] });
    send({ type: "ready", info: encoder.info });
    return loop;
  } catch (error) {
    refuse(error, modelPath);
    return undefined;
  }
}

/** GPU back ends compile kernels when they are first used. */
function warmUp(encoder: LoadedEncoder): void {
  encoder.encode(WARM_UP_LENGTHS.map(length => ({ ids: new Uint32Array(Math.min(length, encoder.info.maxLength)) })));
}
