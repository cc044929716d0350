// Every failure of the HTTP process in one shape of its own, and what each dialect makes of it.
import { statusOf as anthropicStatus, toErrorBody as toAnthropicBody } from "../api/anthropic/encode.ts";
import { toErrorBody as toOllamaBody } from "../api/ollama/encode.ts";
import type { Failure } from "../api/frames.ts";
import { toErrorBody } from "../api/openai/encode.ts";
import { ApiError } from "../chat/error.ts";
import { EngineError } from "../engine/error.ts";
import type { FailureCode } from "../engine/protocol.ts";

/** A failure that carries response headers: which methods are allowed, how to authenticate. */
export class HttpError extends ApiError {
  constructor(
    status: number,
    message: string,
    code: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(status, message, { code });
  }
}

/** What a client sees of anything that was thrown. Only unexpected errors are logged, with the id that the client got. */
export function toFailure(error: unknown, requestId: string, log: (line: string) => void): Failure {
  if (error instanceof ApiError) return clientFailure(error);
  if (error instanceof EngineError) return engineFailure(error);
  const known = error instanceof Error ? routerFailure(error) : undefined;
  if (known) return known;
  log(`request ${requestId}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return failureOf(500, `The server made a mistake. Its log has the details under ${requestId}.`, "internal_error");
}

/** A failure as the clients of a path know it. */
export function toErrorResponse(failure: Failure, path: string, requestId: string): Response {
  const { headers, status } = failure;
  if (path.startsWith("/api/")) return Response.json(toOllamaBody(failure), { status, headers });
  if (!speaksAnthropic(path)) return Response.json(toErrorBody(failure), { status, headers });
  return Response.json(toAnthropicBody(failure, requestId), { status: anthropicStatus(failure), headers: { ...headers, "request-id": requestId } });
}

function speaksAnthropic(path: string): boolean {
  return path === "/v1/messages" || path.startsWith("/v1/messages/");
}

function clientFailure(error: ApiError): Failure {
  const failure = failureOf(error.status, error.message, error.code ?? null, error instanceof HttpError ? error.headers : {});
  return { ...failure, param: error.param || null };
}

const engineStatus: Record<FailureCode, { status: number; code: string }> = {
  overloaded: { status: 429, code: "overloaded" },
  too_long: { status: 400, code: "context_length_exceeded" },
  memory: { status: 400, code: "out_of_memory" },
  pressure: { status: 503, code: "memory_pressure" },
  stopping: { status: 503, code: "stopping" },
  engine_lost: { status: 503, code: "engine_lost" },
  constraint: { status: 400, code: "constraint_failed" },
  internal: { status: 500, code: "engine_error" },
};

function engineFailure(error: EngineError): Failure {
  const { status, code } = engineStatus[error.code];
  const retry = status === 429 || status === 503 ? { "retry-after": String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))) } : {};
  return failureOf(status, error.message, code, retry);
}

/** What the router throws by itself; recognised by its `code`, since each is a class of its own. */
function routerFailure(error: Error & { code?: unknown; all?: unknown }): Failure | undefined {
  switch (error.code) {
    case "PARSE":
      return failureOf(400, "The body cannot be read.", "invalid_body");
    case "VALIDATION": {
      const first = Array.isArray(error.all) ? (error.all[0] as { path?: string; summary?: string } | undefined) : undefined;
      const param = first?.path?.replace(/^\//, "").replaceAll("/", ".") ?? "";
      return { ...failureOf(400, `'${param}': ${first?.summary ?? "has a wrong value"}.`, "invalid_value"), param: param || null };
    }
    default:
      return undefined;
  }
}

function failureOf(status: number, message: string, code: string | null, headers: Readonly<Record<string, string>> = {}): Failure {
  return { status, message, type: typeOf(status), param: null, code, headers };
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  if (status === 504) return "timeout_error";
  if (status === 503) return "service_unavailable_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
