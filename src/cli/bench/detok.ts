// `pippin bench-detok`: what it costs to turn ids into text one by one, by decoding everything again each time and by our stream.
import { locateAssets } from "../../assets/locate.ts";
import { readOptions } from "../../config.ts";
import { openTextModel } from "../../tokenizer/load.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { CliError, exitCodes } from "../error.ts";
import { findModel } from "../find-model.ts";
import { detokOptions, onlyModel } from "./options.ts";
import { makeRandom, promptOf } from "./prompts.ts";
import { mean } from "./statistics.ts";

/** Ends with an error when the two texts differ. */
export async function benchDetok(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions("bench-detok", detokOptions, args);
  const given = onlyModel(positionals);
  const { tokenizer } = openTextModel(given === undefined ? (await locateAssets()).modelPath : findModel(given));
  const ids = textIds(tokenizer, values.tokens);
  const [naive, streamed] = [decodeAgain, decodeStream].map(decode => {
    const times: number[] = [];
    let text = "";
    for (let i = 0; i < values.iterations; i++) {
      const start = performance.now();
      text = decode(tokenizer, ids);
      times.push(performance.now() - start);
    }
    return { text, ms: mean(times) };
  }) as [Timed, Timed];
  const saved = naive.ms - streamed.ms;
  process.stdout.write(
    [
      `Tokens: ${ids.length}, ${values.iterations} iterations`,
      `Decoding all again for each token: ${naive.ms.toFixed(2)} ms`,
      `Streaming: ${streamed.ms.toFixed(2)} ms`,
      `Speedup: ${(naive.ms / streamed.ms).toFixed(1)}x`,
      `Saved: ${saved.toFixed(2)} ms, ${((1000 * saved) / ids.length).toFixed(2)} microseconds a token`,
      "",
    ].join("\n"),
  );
  const at = [...naive.text].findIndex((letter, i) => letter !== streamed.text[i]);
  if (naive.text !== streamed.text) throw new CliError(`MISMATCH: the texts differ from character ${at} on`, exitCodes.failed);
  process.stdout.write("Both texts are equal.\n");
}

interface Timed {
  readonly text: string;
  readonly ms: number;
}

/** Ids of plain English with other scripts and emoji in between, as many as asked for. */
function textIds(tokenizer: Tokenizer, count: number): Uint32Array {
  const others = ["Ünïcödé", "日本語の文", "👩‍🚀🎉", "Привет, мир", "x = [1, 2]\n", "مرحبا"];
  const random = makeRandom(1);
  let text = "";
  for (let at = 0; ; at++) {
    text += `${promptOf("medium", at, 1)} ${others[random(others.length)]!} `;
    const ids = tokenizer.encode(text, { specialTokens: false });
    if (ids.length >= count) return ids.subarray(0, count);
  }
}

function decodeAgain(tokenizer: Tokenizer, ids: Uint32Array): string {
  let text = "";
  for (let length = 1; length <= ids.length; length++) text = tokenizer.decode(ids.subarray(0, length), { skipSpecial: true });
  return text;
}

function decodeStream(tokenizer: Tokenizer, ids: Uint32Array): string {
  const stream = tokenizer.stream({ hidden: id => tokenizer.isSpecial(id) });
  let text = "";
  for (const id of ids) text += stream.push(id);
  return text + stream.end();
}
