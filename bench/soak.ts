// 2,000 mixed requests with cancels and disconnects against one server, with a canary in each; says whether memory stays flat.
//
//   bun bench/soak.ts [--requests N] [--concurrency N] [--model FOLDER]
//
// Every request's answer is forced by logit_bias to a token of its own in turn with a second one; any other text is a leak.
// Memory is looked at after every tenth of the requests, when the server has been idle for one and a half. Fails when a canary
// leaks, a request is lost, or memory at the end is more than 5 % above that after the third tenth.
import { parseArgs } from "node:util";
import { treeMemory } from "./lib/memory.ts";
import { startOwnServer } from "./lib/own-server.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "2000" },
    concurrency: { type: "string", default: "24" },
    model: { type: "string" },
  },
});
const [total, concurrency] = [Number(values.requests), Number(values.concurrency)];
const ROUNDS = 10;
const WARM_ROUNDS = 3;
const LIMIT = 1.05;

interface Looked {
  readonly resident: number; // MB
  readonly active: number; // GB, by MLX
}

interface Canary {
  readonly id: number;
  readonly letter: string;
}

/** Letters that are one token each, by the server's own tokenizer. */
async function canaryIds(url: string): Promise<Canary[]> {
  const found: Canary[] = [];
  for (const word of [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"]) {
    const { tokens } = (await (await post(url, "/v1/tokenize", { prompt: word, add_special_tokens: false })).json()) as { tokens: number[] };
    if (tokens.length === 1) found.push({ id: tokens[0]!, letter: word });
  }
  return found;
}

function post(url: string, path: string, body: object, signal?: AbortSignal): Promise<Response> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return fetch(url + path, signal ? { ...init, signal } : init);
}

/** The text of a completion, from its JSON or from the frames of its stream. */
function textOf(body: string, stream: boolean): string {
  const parts = stream ? [...body.matchAll(/^data: (\{.*)$/gm)].map(match => match[1]!) : [body];
  return parts.map(part => (JSON.parse(part) as { choices: { text: string }[] }).choices.map(({ text }) => text).join("")).join("");
}

const counts = { whole: 0, streamed: 0, cancelled: 0, leaked: 0, failed: 0 };

/** One request; every seventh is left before its end, in the middle of reading or of its answer. */
async function request(url: string, n: number, ids: readonly Canary[]): Promise<void> {
  const first = ids[n % ids.length]!;
  const second = ids[(n + 1 + Math.floor(n / ids.length)) % ids.length]!;
  const maxTokens = 2 + (n % 11);
  const stream = n % 3 !== 0;
  const leaves = n % 7 === 0;
  const prompt = `${"The same words stand at the beginning. ".repeat(n % 5)}Number ${n}: ${"word ".repeat((n * 13) % 45)}`;
  const bias = { [first.id]: 100, [second.id]: 99 };
  const sampling = { temperature: n % 2, seed: n, frequency_penalty: 2, logit_bias: bias, ignore_eos: true };
  const body = {
    prompt,
    max_tokens: leaves ? 400 : maxTokens,
    stream,
    user: `user ${n % 6}`,
    priority: n % 4 === 0 ? -1 : 0,
    ...sampling,
  };
  const leave = new AbortController();
  if (leaves) setTimeout(() => leave.abort(), 20 + (n % 50) * 4);
  try {
    const response = await post(url, "/v1/completions", body, leave.signal);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
    const written = textOf(text, stream);
    if ([...written].some(letter => letter !== first.letter && letter !== second.letter)) counts.leaked += 1;
    if (!leaves && written.length !== maxTokens) throw new Error(`${written.length} of ${maxTokens} letters: ${text.slice(0, 300)}`);
    counts[stream ? "streamed" : "whole"] += 1;
  } catch (error) {
    if (leave.signal.aborted) counts.cancelled += 1;
    else {
      counts.failed += 1;
      console.error(String(error));
    }
  }
}

async function look(url: string, pid: number): Promise<Looked> {
  for (;;) {
    const status = (await (await fetch(`${url}/v1/status`)).json()) as {
      num_running: number;
      num_waiting: number;
      metal: { active_memory_gb: number };
    };
    if (status.num_running + status.num_waiting === 0) break;
    await Bun.sleep(100);
  }
  await Bun.sleep(1500);
  const { memory } = (await (await fetch(`${url}/v1/status`)).json()) as { memory: { active_bytes: number } };
  return { resident: treeMemory(pid).rss, active: memory.active_bytes / 1e6 };
}

const server = await startOwnServer([...(values.model === undefined ? [] : [values.model]), "--cache-memory-mb", "40", "--max-num-seqs", "16"]);
try {
  const { url } = server;
  const ids = await canaryIds(url);
  const looked: Looked[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [from, to] = [Math.floor((total * round) / ROUNDS), Math.floor((total * (round + 1)) / ROUNDS)];
    let next = from;
    const worker = async (): Promise<void> => {
      while (next < to) await request(url, next++, ids);
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    looked.push(await look(url, server.pid));
    const { resident, active } = looked.at(-1)!;
    console.log(`${String(to).padStart(6)} requests  resident ${resident.toFixed(1)} MB  MLX active ${active.toFixed(2)} MB`);
  }
  const [warm, last] = [looked[WARM_ROUNDS - 1]!, looked.at(-1)!];
  const growth = { resident: last.resident / warm.resident, active: last.active / warm.active };
  console.log(JSON.stringify({ ...counts, canaries: ids.length, growth }));
  if (counts.leaked > 0 || counts.failed > 0 || growth.resident > LIMIT || growth.active > LIMIT) process.exitCode = 1;
} finally {
  await server.stop();
}
