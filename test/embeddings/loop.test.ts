// The encoder's loop over a scripted model: what is refused, what an abort leaves, what one request's failure does to others.
import { expect, test } from "bun:test";
import type { FromEncoder, ToEncoder } from "../../src/engine/protocol.ts";
import { EncoderLoop } from "../../src/embeddings/loop.ts";
import type { EncodeText } from "../../src/engine/protocol.ts";

interface Opened {
  readonly loop: EncoderLoop;
  readonly sent: FromEncoder[];
  readonly steps: number[][]; // lengths of the texts of each step
  readonly done: Promise<void>;
}

/** A model whose vector of a text is its first id; id 9 gives NaN and id 8 fails. */
function open(options: { readonly maxQueue?: number; readonly onStep?: (step: number, loop: EncoderLoop) => void } = {}): Opened {
  const [sent, steps]: [FromEncoder[], number[][]] = [[], []];
  const encode = (texts: readonly EncodeText[]) => {
    steps.push(texts.map(({ ids }) => ids.length));
    options.onStep?.(steps.length, loop);
    if (texts.some(({ ids }) => ids[0] === 8)) throw new Error("out of something");
    return texts.map(({ ids }) => Float32Array.of(ids[0] === 9 ? NaN : ids[0]!));
  };
  const loop = new EncoderLoop({
    encode,
    send: message => sent.push(message),
    vocabSize: 10,
    maxLength: 6,
    maxQueue: options.maxQueue ?? 10,
    stepTokens: 6,
  });
  return { loop, sent, steps, done: Promise.resolve().then(() => loop.run()) };
}

const submit = (id: number, ...texts: number[][]): ToEncoder => ({ type: "encode", id, texts: texts.map(ids => ({ ids: Uint32Array.from(ids) })) });
const rowsOf = (sent: readonly FromEncoder[]) => sent.flatMap(message => (message.type === "encoded" ? message.rows : []));
const failures = (sent: readonly FromEncoder[]) => sent.flatMap(m => (m.type === "failed" ? [`${m.id} ${m.code}: ${m.message}`] : []));

async function play(opened: Opened, ...messages: ToEncoder[]): Promise<Opened> {
  for (const message of [...messages, { type: "drain" } as const]) opened.loop.receive(message);
  await opened.done;
  return opened;
}

test("every text gets its vector, over as many steps as its budget asks for", async () => {
  const { sent, steps } = await play(open(), submit(1, [1, 1, 1], [2, 2, 2], [3]), submit(2, [4, 4]));
  expect(
    rowsOf(sent)
      .map(({ id, text, vector }) => `${id}.${text}=${vector[0]}`)
      .sort(),
  ).toEqual(["1.0=1", "1.1=2", "1.2=3", "2.0=4"]);
  expect(steps.every(lengths => lengths.reduce((a, b) => a + b) <= 6)).toBe(true);
});

test("what the model cannot read is refused by name, and the next request works", async () => {
  const { sent } = await play(open(), submit(1, []), submit(2, [1, 1, 1, 1, 1, 1, 1]), submit(3, [1], [10]), submit(4, [5]));
  expect(failures(sent)).toEqual([
    "1 internal: a text needs at least one id",
    "2 too_long: a text has 7 tokens and the model takes 6",
    "3 internal: an id lies outside the vocabulary of 10",
  ]);
  expect(rowsOf(sent).map(({ id }) => id)).toEqual([4]);
});

test("one request more than may wait is overloaded", async () => {
  const { sent } = await play(open({ maxQueue: 2 }), submit(1, [1]), submit(2, [2]), submit(3, [3]));
  expect(failures(sent)).toEqual(["3 overloaded: 2 requests are waiting already"]);
});

test("numbers that are not finite fail their request and no other", async () => {
  const { sent } = await play(open(), submit(1, [9], [1]), submit(2, [2]));
  expect(failures(sent)).toEqual(["1 internal: the model's numbers are not finite for this input"]);
  expect(rowsOf(sent).map(({ id }) => id)).toEqual([2]);
});

test("a step that fails ends the requests in it, and the next one works", async () => {
  const { sent } = await play(open(), submit(1, [8, 1, 1, 1, 1, 1]), submit(2, [2]));
  expect(failures(sent)).toEqual(["1 internal: out of something"]);
  expect(rowsOf(sent).map(({ id }) => id)).toEqual([2]);
});

test("an abort takes effect with the next step", async () => {
  const onStep = (step: number, loop: EncoderLoop) => {
    if (step === 1) loop.receive({ type: "abort", id: 1 });
  };
  const opened = open({ onStep });
  await play(opened, submit(1, ...Array.from({ length: 50 }, () => [1, 1, 1])));
  expect(opened.steps).toEqual([[3, 3]]);
});

test("a draining encoder finishes what waits and refuses what comes", async () => {
  const { loop, sent, done } = open();
  loop.receive(submit(1, [1]));
  loop.receive({ type: "drain" });
  loop.receive(submit(2, [2]));
  await done;
  expect(failures(sent)).toEqual(["2 stopping: the server is stopping"]);
  expect(rowsOf(sent).map(({ id }) => id)).toEqual([1]);
});
