// The servers under measurement: how each is started on a checkpoint, when it is ready, and how it is stopped with all its children.
import { closeSync, existsSync, globSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { answers, healthy } from "./client.ts";
import { processTree } from "./memory.ts";

export interface Server {
  name: string;
  versions: string;
  /** As recorded: MODEL and PORT stand for what `argv` gets. */
  shown: string;
  argv: (model: string, port: number) => string[];
  /** What requests must call the model. */
  modelName: (path: string) => string;
}

export interface Running {
  url: string;
  model: string;
  pid: number;
  healthMs: number;
  completionMs: number;
  stop: () => Promise<void>;
}

const venvs = ".build/venv-bench";
const log = ".build/bench/server.log";

/** Where the servers find their homes, instead of the user's: what they cache there must not outlive the run. */
export const homes = ".build/bench/homes";

function server(name: string, versions: string, program: string[], options: string): Server {
  const shown = `${program.map(part => (part.includes("/") ? basename(part) : part)).join(" ")} ${options}`;
  const argv = (model: string, port: number) => [
    ...program,
    ...options.split(" ").map(o => (o === "MODEL" ? model : o === "PORT" ? String(port) : o)),
  ];
  return { name, versions, shown, argv, modelName: path => path };
}

/** The versions of installed Python packages, from the names of their metadata folders. */
export function installed(venv: string, packages: string[]): string {
  return packages
    .flatMap(name => globSync(`${venvs}/${venv}/lib/python*/site-packages/${name.replaceAll("-", "_")}-*.dist-info`))
    .map(path => basename(path, ".dist-info").replace("-", " ").replaceAll("_", "-"))
    .join(", ");
}

function ours(): Server | undefined {
  const version = `pippin ${(JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version}`;
  const program = existsSync("dist/pippin") ? [resolve("dist/pippin")] : existsSync("src/main.ts") ? [process.execPath, "src/main.ts"] : undefined;
  if (!program) return undefined;
  const made = server("pippin", `${version}, bun ${Bun.version}`, program, "serve MODEL --host 127.0.0.1 --port PORT");
  return { ...made, modelName: path => basename(path) };
}

function peer(name: string, program: string, packages: string[], options: string): Server | undefined {
  const path = resolve(venvs, name, "bin", program);
  return existsSync(path) ? server(name, installed(name, packages), [path], options) : undefined;
}

/** All servers that are built or installed here, ours first. */
export function servers(): Server[] {
  const batched = "serve MODEL --continuous-batching --host 127.0.0.1 --port PORT";
  return [
    ours(),
    peer("vllm-mlx", "vllm-mlx", ["vllm-mlx", "mlx-lm", "mlx"], batched),
    peer("vllm-mlx-full", "vllm-mlx", ["vllm-mlx", "mlx-lm", "mlx", "torch"], batched),
    peer("mlx-lm", "mlx_lm.server", ["mlx-lm", "mlx"], "--model MODEL --host 127.0.0.1 --port PORT"),
  ].filter(s => s !== undefined);
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function until(ready: () => Promise<boolean>, alive: () => boolean, since: number, limitMs: number): Promise<number> {
  while (alive() && performance.now() - since < limitMs) {
    if (await ready()) return performance.now() - since;
    await Bun.sleep(5);
  }
  throw new Error(`server ${alive() ? "was not ready in time" : "ended while starting"}:\n${readFileSync(log, "utf8").slice(-2000)}`);
}

/** Starts a server with a home folder of its own and waits for its first answers. Both outputs go to one log file. */
export async function start(server: Server, path: string, limitMs = 300_000): Promise<Running> {
  const home = resolve(homes, server.name);
  mkdirSync(home, { recursive: true });
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { ...process.env, HOME: home, HF_HUB_OFFLINE: "1" };
  const output = openSync(log, "w");
  const since = performance.now();
  const child = Bun.spawn(server.argv(path, port), { env, stdin: "ignore", stdout: output, stderr: output });
  closeSync(output);
  const alive = () => child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    const pids = processTree(child.pid);
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(10_000)]);
    for (const pid of pids) kill(pid);
    await child.exited;
  };
  const model = server.modelName(path);
  try {
    const first = { model, prompt: "Hello", maxTokens: 1 };
    const [healthMs, completionMs] = await Promise.all([
      until(() => healthy(url), alive, since, limitMs),
      until(() => answers(url, first), alive, since, limitMs),
    ]);
    return { url, model, pid: child.pid, healthMs, completionMs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return; // it has ended by itself, as it should
  }
}
