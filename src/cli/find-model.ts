// Where a model is: a folder, or a name that the Hugging Face cache holds.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { hubCache } from "../config.ts";
import { CliError, exitCodes } from "./error.ts";

/** The folder of what a user named. Throws CliError where there is no model. */
export function findModel(name: string): string {
  const folder = existsSync(name) ? name : (cachedModel(name) ?? name);
  if (!existsSync(folder)) {
    const hub = isHubName(name) ? "; models cannot be downloaded by name yet, give the folder of a downloaded one" : "";
    throw new CliError(`there is no model folder ${name}${hub}`, exitCodes.notFound);
  }
  if (!statSync(folder).isDirectory()) throw new CliError(`${name} is a file; give the folder that it is in`, exitCodes.notFound);
  if (!existsSync(join(folder, "config.json"))) throw new CliError(`${name} is not a model folder: it has no config.json`, exitCodes.notFound);
  return folder;
}

/** The downloaded snapshot of org/name, or undefined. Never a path of the caller's choice: clients name models too. */
export function cachedModel(name: string, cache: string = hubCache()): string | undefined {
  if (!isHubName(name)) return undefined;
  const folder = join(cache, `models--${name.replace("/", "--")}`);
  const ref = join(folder, "refs", "main");
  if (!existsSync(ref)) return undefined;
  const revision = readFileSync(ref, "utf8").trim();
  const snapshot = join(folder, "snapshots", revision);
  return /^[\w.-]+$/.test(revision) && existsSync(join(snapshot, "config.json")) ? snapshot : undefined;
}

function isHubName(name: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name);
}
