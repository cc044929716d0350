// How a format writes calls, for decoding that is held to it. Texts may contain markers of the format: where those are added tokens of the
// vocabulary, they are written as the tokens.

export interface CallSyntax {
  /** Before the first call, between two, after the last. */
  readonly open?: string;
  readonly between: string;
  readonly close?: string;
  /** Around the arguments of one call. */
  readonly before: (name: string) => string;
  readonly after: string;
  /** Absent: the arguments are one JSON object. */
  readonly parameters?: ParameterSyntax;
}

/** Arguments that are written one by one: strings as they are, up to `after`; other values as JSON. */
export interface ParameterSyntax {
  readonly before: (name: string) => string;
  readonly after: string;
}
