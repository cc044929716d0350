// Our server from the sources, on a free port, for benches that ask nobody else.

export interface OwnServer {
  readonly url: string; // without /v1
  readonly pid: number;
  stop(): Promise<void>;
}

/** Resolves once the server has loaded what it serves. */
export async function startOwnServer(args: readonly string[]): Promise<OwnServer> {
  const child = Bun.spawn([process.execPath, "src/main.ts", "serve", ...args, "--port", "0"], { stdout: "pipe", stderr: "inherit" });
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  let printed = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    const url = /address +(http:\/\/\S+)\/v1/.exec(printed)?.[1];
    if (url !== undefined) return { url, pid: child.pid, stop };
  }
  throw new Error(`the server did not start: ${printed}`);
}
