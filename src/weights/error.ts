// The one failure of this folder and of the model families.

/** The checkpoint cannot be served. The message is one line that names the file and what in it is wrong. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
}

/** A name out of a file, fit for a one-line message whatever it holds. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
