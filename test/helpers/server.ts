// The executable as users run it: started on a free port, ready when it says so, and never left behind.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./imports.ts";
import { until } from "./until.ts";

export const executable = join(root, "dist/pippin");
/** One cache for all servers of a test run, so that only the first unpacks. */
export const cacheHome = join(root, ".build/test/cache");
/** Batches are kept here, not where a server that runs on this machine keeps them. */
const dataHome = join(root, ".build/test/data");

export interface ServerOptions {
  readonly args?: readonly string[]; // after `serve`
  readonly env?: Readonly<Record<string, string>>;
  readonly model?: string; // the built-in model otherwise
}

export class Server implements AsyncDisposable {
  readonly output: string[] = []; // lines of stdout and stderr as they came
  url = ""; // http://127.0.0.1:PORT
  private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  private readonly ended: Promise<unknown>;

  constructor(options: ServerOptions) {
    mkdirSync(cacheHome, { recursive: true });
    const args = [...(options.model === undefined ? [] : [options.model]), "--port", "0", ...(options.args ?? [])];
    this.child = Bun.spawn([executable, "serve", ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { PATH: process.env.PATH, HOME: process.env.HOME, XDG_CACHE_HOME: cacheHome, XDG_DATA_HOME: dataHome, ...options.env },
    });
    running.add(this);
    this.ended = Promise.all([this.collect(this.child.stdout), this.collect(this.child.stderr), this.child.exited]);
  }

  get pid(): number {
    return this.child.pid;
  }

  get exitCode(): Promise<number> {
    return this.ended.then(() => this.child.exitCode ?? 128);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The engine process, the server's only child. */
  enginePid(): number | undefined {
    return childrenOf(this.pid)[0];
  }

  /** Resolves when the server has printed its address; throws with its output when it ends before. */
  async ready(): Promise<this> {
    await until(() => this.url !== "" || this.child.exitCode !== null || this.child.signalCode !== null);
    if (this.url === "") throw new Error(`the server did not start:\n${this.output.join("\n")}`);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
    running.delete(this);
  }

  killNow(): void {
    this.child.kill("SIGKILL");
  }

  private async collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.output.push(line);
        this.url ||= /^ *address +(http:\/\/\S+?)(?:\/v1)?$/.exec(line)?.[1] ?? "";
      }
    }
    if (rest !== "") this.output.push(rest);
  }
}

const running = new Set<Server>();
process.on("exit", () => running.forEach(server => server.killNow()));

/** A server that answers. `await using server = await startServer()` ends it with the block. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const server = new Server(options);
  try {
    return await server.ready();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  const text = existsSync(tasks)
    ? readdirSync(tasks)
        .map(task => readFileSync(join(tasks, task, "children"), "utf8"))
        .join(" ")
    : Bun.spawnSync(["pgrep", "-P", String(pid)]).stdout.toString();
  return text.split(/\s+/).filter(Boolean).map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Processor time that a process has used, in hundredths of a second. */
export function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

export function threadNames(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(task => readFileSync(`/proc/${pid}/task/${task}/comm`, "utf8").trim());
}
