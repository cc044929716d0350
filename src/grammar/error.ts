// A constraint that cannot be enforced, told to the client by name.

export class GrammarError extends Error {
  constructor(
    message: string,
    /** Where in the schema, as property names and indices; empty for the whole. */
    readonly path: readonly (string | number)[] = [],
    /** The tool whose parameters are meant. */
    readonly tool?: string,
  ) {
    super(message);
  }
}

/** What it costs to compile is more than was allowed. */
export class BudgetSpent extends GrammarError {}

/** Bounds time and memory of a compilation: units are about a tenth of a microsecond. */
export class Budget {
  constructor(private left: number) {}

  spend(units: number): void {
    this.left -= units;
    if (this.left < 0) throw new BudgetSpent("is too large or too complex to be enforced");
  }
}

/** Errors of the inside say whose parameters they are about. */
export function naming<T>(tool: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error;
    const Kind = error instanceof BudgetSpent ? BudgetSpent : GrammarError;
    throw new Kind(error.message, error.path, tool);
  }
}
