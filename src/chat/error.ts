// The client's mistakes, and what the server tells it otherwise. Thrown in http, api and chat only; http/errors.ts gives it its wire form.

export interface ApiErrorDetails {
  readonly code?: string;
  readonly param?: string;
}

export class ApiError extends Error {
  readonly code: string | undefined;
  readonly param: string | undefined;

  constructor(
    readonly status: number,
    message: string,
    details: ApiErrorDetails = {},
  ) {
    super(message);
    this.code = details.code;
    this.param = details.param;
  }
}
