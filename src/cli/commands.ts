// Which word starts what. Commands are imported when they run, so that an engine process loads no HTTP and `--help` loads nothing.
import { CliError, exitCodes, usageError } from "./error.ts";
import { benchHelp, convertHelp, serveHelp, shortHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import { version } from "./version.ts";

const benches = ["bench", "bench-serve", "bench-detok", "bench-kv-cache"];
const helpPages: Readonly<Record<string, () => string>> = {
  serve: serveHelp,
  help: () => shortHelp,
  convert: convertHelp,
  ...Object.fromEntries(benches.map(command => [command, () => benchHelp(command)])),
};

function help(args: readonly string[]): void {
  const [topic] = args;
  const page = topic === undefined ? () => shortHelp : helpPages[topic];
  if (page === undefined) throw unknownCommand(topic!);
  process.stdout.write(page());
}

function unknownCommand(word: string): CliError {
  const guess = nearest(word, Object.keys(helpPages));
  return usageError(`${word} is not a command; ${guess ? `did you mean 'pippin ${guess}'?` : "'pippin --help' lists them"}`);
}

function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some(arg => arg === "--help" || arg === "-h");
}

async function dispatch(args: readonly string[]): Promise<void> {
  const [command = "--help", ...rest] = args;
  if (Object.hasOwn(helpPages, command) && wantsHelp(rest)) return help([command]);
  switch (command) {
    case "--help":
    case "-h":
    case "help":
      return help(rest);
    case "--version":
    case "-V":
      return void process.stdout.write(`pippin ${version}\n`);
    case "engine": // hidden: started by a server, speaks over its parent's channel
      if (process.send === undefined) throw usageError("engine is started by 'pippin serve' and not by hand");
      return (await import("../engine/process.ts")).runEngineProcess();
    case "encoder": // likewise
      if (process.send === undefined) throw usageError("encoder is started by 'pippin serve' and not by hand");
      return (await import("../embeddings/process.ts")).runEncoderProcess();
    case "serve":
      return (await import("./serve.ts")).serve(rest);
    case "convert":
      return (await import("./convert.ts")).convert(rest);
    case "bench":
      return (await import("./bench/throughput.ts")).bench(rest);
    case "bench-serve":
      return (await import("./bench/serve.ts")).benchServe(rest);
    case "bench-detok":
      return (await import("./bench/detok.ts")).benchDetok(rest);
    case "bench-kv-cache":
      return (await import("./bench/kv-cache.ts")).benchKvCache(rest);
    default:
      throw unknownCommand(command);
  }
}

/** Runs one command line to its end. A user's mistake is one line on stderr and an exit code; anything else that is thrown is a bug and shows its stack. */
export async function runCommand(args: readonly string[]): Promise<void> {
  try {
    await dispatch(args);
  } catch (error) {
    const known = error instanceof CliError;
    process.stderr.write(`error: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exit(known ? error.exitCode : exitCodes.failed);
  }
}
