// The app with an encoder of each kind over scripted engines and the built-in model's real tokenizer.
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EncoderHost } from "../../src/retrieval/host.ts";
import { openEncoderService, type EncoderServiceOptions } from "../../src/retrieval/service.ts";
import { FakeEncoder, type FakeEncoderOptions } from "../helpers/fake-encoder.ts";
import { open, type Opened } from "./open.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const mini = new URL("../../mini/checkpoint", import.meta.url).pathname;

/** A model folder with these files beside the built-in model's tokenizer. */
export function encoderFolder(files: Readonly<Record<string, object>> = {}): string {
  const folder = temporaryFolder("encoder");
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) cpSync(join(mini, name), join(folder, name));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: "bert" }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
  return folder;
}

const plain = encoderFolder();

type Options = Partial<Pick<EncoderServiceOptions, "maxLength" | "overflow" | "task">> &
  FakeEncoderOptions & { readonly folder?: string; readonly dataFolder?: string };

/** An app that embeds (and ranks, with another engine of the same kind) under the name org/encoder. */
export function openEncoders(options: Options = {}): Opened & { readonly encoder: FakeEncoder; readonly ranker: FakeEncoder } {
  const [encoder, ranker] = [new FakeEncoder(options), new FakeEncoder({ vector: ({ ids }) => [ids.length / 10 - 1], ...options })];
  const more = { ...(options.maxLength && { maxLength: options.maxLength }), ...(options.overflow && { overflow: options.overflow }) };
  const service = (task: "embed" | "rank", engine: FakeEncoder) =>
    openEncoderService(options.folder ?? plain, { id: "org/encoder", task, start: () => engine, ...more });
  const embed = new EncoderHost({ flag: "--embedding-model", locked: service("embed", encoder), aliases: ["/models/encoder"] });
  const rank = new EncoderHost({ flag: "--rerank-model", locked: service("rank", ranker) });
  return { ...open("Hi", { encoders: { embed, rank }, ...(options.dataFolder && { dataFolder: options.dataFolder }) }), encoder, ranker };
}
