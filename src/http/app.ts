// The HTTP process as one Elysia app: what every request passes (host, origin, size, key), the routes, and the one shape of failures.
import { Elysia, type AnyElysia } from "elysia";
import { randomId } from "../util/id.ts";
import { makeAuth } from "./auth.ts";
import type { Context, Encoders, HttpConfig, Served } from "./context.ts";
import { docsRoutes } from "./docs.ts";
import { HttpError, toErrorResponse, toFailure } from "./errors.ts";
import { corsHeaders, makeHostCheck, preflight } from "./hosts.ts";
import { checkDeclaredLength, defaultLimits, fileLimits, type Limits } from "./limits.ts";
import { Batches } from "./batches.ts";
import { batchRoutes } from "./routes/batches.ts";
import { fileRoutes } from "./routes/files.ts";
import { cacheRoutes } from "./routes/cache.ts";
import { chatRoutes } from "./routes/chat.ts";
import { completionRoutes } from "./routes/completions.ts";
import { embeddingRoutes } from "./routes/embeddings.ts";
import { healthRoutes } from "./routes/health.ts";
import { messageRoutes } from "./routes/messages.ts";
import { ollamaEmbedRoutes } from "./routes/ollama-embed.ts";
import { ollamaModelRoutes } from "./routes/ollama-models.ts";
import { ollamaRoutes } from "./routes/ollama.ts";
import { modelRoutes } from "./routes/models.ts";
import { rankRoutes } from "./routes/rank.ts";
import { requestRoutes } from "./routes/requests.ts";
import { responseRoutes } from "./routes/responses.ts";
import { storedResponseRoutes } from "./routes/stored-responses.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { noteId } from "./origin.ts";
import { statusRoutes } from "./routes/status.ts";
import { ResponseStore } from "./response-store.ts";
import { Running } from "./running.ts";

export interface AppOptions {
  readonly models: () => readonly Served[];
  readonly encoders: Encoders;
  readonly config: HttpConfig;
  readonly version: string;
  readonly limits?: Limits;
  readonly keepAliveMs?: number;
  readonly openAfterMs?: number;
  readonly log?: (line: string) => void;
  readonly responses?: ResponseStore;
  readonly rewarm?: () => void;
  readonly dataFolder?: string; // for files and batches; without it there are none
}

export function makeApp(options: AppOptions): AnyElysia {
  const log = options.log ?? ((line: string) => console.error(line));
  const handle = async (request: Request) => app.handle(request);
  const batches = new Batches({ folder: options.dataFolder, handle, apiKey: options.config.apiKey, log });
  const context: Context = {
    limits: defaultLimits,
    keepAliveMs: 10_000,
    openAfterMs: 300,
    overrides: { accepted: 0, denied: 0 },
    running: new Running(),
    responses: new ResponseStore(),
    ...options,
    log,
    batches,
  };
  const enter = makeEntry(context);
  const app: AnyElysia = new Elysia({ normalize: false })
    .onRequest(({ request, set }) => {
      const id = randomId("req_");
      set.headers["x-request-id"] = id;
      noteId(request, id);
      return enter(request, set.headers as Record<string, string>);
    })
    .onError(({ code, error, request, path, set }) => {
      const reason = code === "NOT_FOUND" ? noRoute(request.method, path, app.routes) : error;
      const id = String(set.headers["x-request-id"]);
      return toErrorResponse(toFailure(reason, id, context.log), path, id);
    })
    .use(healthRoutes(context))
    .use(modelRoutes(context))
    .use(chatRoutes(context))
    .use(completionRoutes(context))
    .use(messageRoutes(context))
    .use(responseRoutes(context))
    .use(storedResponseRoutes(context))
    .use(embeddingRoutes(context))
    .use(rankRoutes(context))
    .use(tokenRoutes(context))
    .use(ollamaRoutes(context))
    .use(ollamaEmbedRoutes(context))
    .use(ollamaModelRoutes(context))
    .use(fileRoutes(context))
    .use(batchRoutes(context))
    .use(requestRoutes(context))
    .use(cacheRoutes(context))
    .use(statusRoutes(context))
    .use(docsRoutes(context, () => app));
  batches.resume();
  return app;
}

type Entry = (request: Request, headers: Record<string, string>) => Response | undefined;

/** What every request passes before its route; gives the answer to a CORS preflight, throws what is not let in. */
function makeEntry({ config, limits }: Context): Entry {
  const checkHost = makeHostCheck(config);
  const checkKey = makeAuth(config.apiKey);
  return (request, headers) => {
    checkHost(request);
    const cors = corsHeaders(request, config);
    if (cors) {
      if (request.method === "OPTIONS") return preflight(request, cors);
      Object.assign(headers, cors);
    }
    const { pathname } = new URL(request.url);
    if (!isPublic(pathname)) checkKey(request.headers);
    checkDeclaredLength(request, pathname === "/v1/files" ? fileLimits : limits);
    return undefined;
  };
}

/** Health checks carry no key, and the documentation says nothing of this machine. */
function isPublic(path: string): boolean {
  return path === "/health" || path === "/swagger" || path.startsWith("/swagger/");
}

interface Route {
  readonly method: string;
  readonly path: string;
}

/** 405 with the methods that a path has, 404 for a path without any. */
function noRoute(method: string, path: string, routes: readonly Route[]): HttpError {
  const allow = allowedMethods(routes, path).join(", ");
  if (allow) return new HttpError(405, `${path} takes ${allow}, not ${method}.`, "method_not_allowed", { allow });
  const versioned = `/v1/${path.replace(/^\/+/, "")}`; // a base URL without it is the usual mistake
  const meant = allowedMethods(routes, versioned).includes(method) ? `did you mean ${versioned}?` : "/swagger lists what is.";
  return new HttpError(404, `${method} ${path.slice(0, 200)} is not served; ${meant}`, "route_not_found");
}

function allowedMethods(routes: readonly Route[], path: string): string[] {
  const parts = path.replace(/(.)\/$/, "$1").split("/");
  const matching = routes.filter(route => matches(route.path.split("/"), parts));
  return [...new Set(matching.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : method)))];
}

function matches(route: readonly string[], parts: readonly string[]): boolean {
  const rest = route.indexOf("*");
  if (rest < 0 ? route.length !== parts.length : parts.length <= rest) return false;
  return route.slice(0, rest < 0 ? undefined : rest).every((name, i) => name === parts[i] || (name.startsWith(":") && parts[i] !== ""));
}
