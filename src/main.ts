// The executable's entry: argv becomes a command.
import { runCommand } from "./cli/commands.ts";

await runCommand(process.argv.slice(2));
