// What a user did wrong or the machine lacks, as one line and an exit code. Everything else that is thrown is a bug.

export const exitCodes = { failed: 1, usage: 2, notFound: 3, memory: 4, interrupted: 130 } as const;

export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export function usageError(message: string): CliError {
  return new CliError(message, exitCodes.usage);
}
