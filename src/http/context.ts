// What all routes share: the served models, the settings that concern HTTP, and the log.
import { ApiError } from "../chat/error.ts";
import type { Service } from "../chat/service.ts";
import type { EncoderHost } from "../retrieval/host.ts";
import { HttpError } from "./errors.ts";
import { serviceFor, type OverrideCounts, type TrustRules } from "./origin.ts";
import type { HostRules } from "./hosts.ts";
import type { Limits } from "./limits.ts";
import type { Batches } from "./batches.ts";
import type { ResponseStore } from "./response-store.ts";
import type { Running } from "./running.ts";

/** The settings of `serve` that this folder reads. */
export interface HttpConfig extends HostRules, TrustRules {
  readonly timeout: number; // seconds for an answer that is not streamed
  readonly strictModelId: boolean; // aliases do not count, and a wrong name is told as a mismatch
}

/** A model as clients find it; the first of all is the default. */
export interface Served {
  readonly service: Service;
  readonly aliases: readonly string[]; // further names that clients may call it by
  readonly created: number; // seconds
}

/** Who answers for embeddings and for rankings. */
export interface Encoders {
  readonly embed: EncoderHost;
  readonly rank: EncoderHost;
}

export interface Context {
  readonly models: () => readonly Served[]; // asked for each request, because models come and go
  readonly encoders: Encoders;
  readonly config: HttpConfig;
  readonly limits: Limits;
  readonly version: string;
  readonly keepAliveMs: number; // of silence in a stream
  readonly openAfterMs: number; // a stream that has failed by then is answered with a status, later with an error frame
  readonly log: (line: string) => void;
  readonly overrides: OverrideCounts; // of the repetition policy
  readonly running: Running;
  readonly responses: ResponseStore;
  readonly batches: Batches;
  readonly rewarm?: () => void; // reads warm prompts again; absent when there are none
}

/** Every name of a language model that is served. */
export function namesOf({ models }: Context): string[] {
  return models().flatMap(({ service, aliases }) => [service.id, ...aliases]);
}

/** The model of that name, whatever its state. */
export function findModel({ models, config }: Context, name: string | undefined): Served {
  const served = models();
  if (config.strictModelId) return findExactly(served, name);
  const found =
    name === undefined || name === "default" ? served[0] : served.find(({ service, aliases }) => service.id === name || aliases.includes(name));
  if (found) return found;
  const known = served.map(({ service }) => service.id).join(", ");
  throw new ApiError(404, `The model '${name ?? "default"}' does not exist. ${known ? `Served here: ${known}.` : "No model is loaded."}`, {
    code: "model_not_found",
    param: "model",
  });
}

function findExactly(served: readonly Served[], name = "default"): Served {
  const found = name === "default" ? served[0] : served.find(({ service }) => service.id === name);
  if (found) return found;
  const known = served.map(({ service }) => `'${service.id}'`).join(", ");
  throw new ApiError(
    400,
    `The request names the model '${name}', but served here is ${known || "none"}. Without --strict-model-id aliases count, too.`,
    {
      code: "model_mismatch",
      param: "model",
    },
  );
}

/** Like `findModel`; throws 503 unless its engine takes requests. */
export function findReadyModel(context: Context, name: string | undefined): Service {
  const { service } = findModel(context, name);
  const { state } = service.engine;
  if (state === "ready") return service;
  const message = {
    starting: "is being loaded",
    warming_up: "is loaded and warms up",
    restarting: "is being loaded again",
    stopping: "is shutting down",
  }[state];
  throw new HttpError(503, `The model '${service.id}' ${message}. Try again soon.`, `engine_${state}`, { "retry-after": "2" });
}

/** The model of that name as this request uses it; throws like `findReadyModel`. */
export function findModelFor(context: Context, name: string | undefined, request: Request): Service {
  return serviceFor(findReadyModel(context, name), request, context.config, context.overrides);
}
