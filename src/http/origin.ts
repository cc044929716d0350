// Who sent a request: for equal shares among clients, and for wishes that only trusted ones may have.
import type { Service } from "../chat/service.ts";
import type { Engine } from "../engine/client.ts";
import type { EncoderEngine } from "../engine/encoder-client.ts";
import type { RepetitionPolicy } from "../engine/protocol.ts";
import type { EncoderService } from "../retrieval/service.ts";
import { isLoopback } from "../util/loopback.ts";

interface Peer {
  readonly address: string;
  readonly port: number;
}

const peers = new WeakMap<Request, Peer>();
const tags = new WeakMap<Request, string>();

const background = new WeakSet<Request>();
const lowest = 2 ** 31 - 1; // priority

/** Marks a request that waits behind all others. */
export function noteBackground(request: Request): void {
  background.add(request);
}

/** Remembers the id under which a request is answered. */
export function noteId(request: Request, id: string): void {
  tags.set(request, id);
}

/** Remembers where a request came from; the port tells connections apart. */
export function notePeer(request: Request, peer: Peer | null): void {
  if (peer !== null) peers.set(request, peer);
}

/** The settings of `serve` that decide about trust. */
export interface TrustRules {
  readonly host: string;
  readonly apiKey: string | undefined;
  readonly repetitionPolicy: RepetitionPolicy | "off"; // where a request says nothing, or may not
  readonly trustRequestsWhenAuthDisabled: boolean;
}

export interface OverrideCounts {
  accepted: number; // requests that chose their own repetition policy
  denied: number; // that were not trusted to
}

/**
 * The service as one request uses it: its sequences carry the client, and the repetition policy that the client may have.
 * Everything else is the service's own.
 */
export function serviceFor(service: Service, request: Request, rules: TrustRules, counts: OverrideCounts): Service {
  const { engine } = service;
  const generate: Engine["generate"] = (wish, signal) => {
    const client = clientOf(request, wish.client, rules);
    const tag = tags.get(request);
    return engine.generate(
      {
        ...wish,
        client,
        ...(tag !== undefined && { tag }),
        ...(background.has(request) && { priority: lowest }),
        repetition: policyFor(wish.repetition, request, rules, counts),
      },
      signal,
    );
  };
  const bound = Object.create(engine, { generate: { value: generate } }) as Engine;
  return Object.create(service, { engine: { value: bound } }) as Service;
}

/** The encoder as one request uses it: with the request's priority, or behind all others. */
export function encoderFor(service: EncoderService, request: Request, wished: number | undefined): EncoderService {
  const priority = background.has(request) ? lowest : wished;
  const { engine } = service;
  const encode: EncoderEngine["encode"] = (texts, signal) => engine.encode(texts, signal, priority);
  const bound = Object.create(engine, { encode: { value: encode } }) as EncoderService["engine"];
  return Object.create(service, { engine: { value: bound } }) as EncoderService;
}

/** By `user` first; then by key, unless all clients must send the same; then by connection. */
function clientOf(request: Request, user: string | undefined, { apiKey }: TrustRules): string {
  if (user !== undefined) return `user ${user}`;
  const key = request.headers.get("authorization") ?? request.headers.get("x-api-key");
  if (apiKey === undefined && key) return `key ${Bun.hash(key)}`;
  const peer = peers.get(request);
  return peer === undefined ? "" : `peer ${peer.address} ${peer.port}`;
}

type Policy = RepetitionPolicy | "off";

function policyFor(wish: Policy | undefined, request: Request, rules: TrustRules, counts: OverrideCounts): Policy {
  if (wish === "off") return "off"; // such an answer's end is not a matter of taste
  if (wish === undefined) return rules.repetitionPolicy;
  const trusted = isTrusted(request, rules);
  counts[trusted ? "accepted" : "denied"] += 1;
  return trusted ? wish : rules.repetitionPolicy;
}

/** With a key everybody who got here has it; without one only this machine is trusted, and others when the operator says so. */
export function isTrusted(request: Request, { host, apiKey, trustRequestsWhenAuthDisabled }: TrustRules): boolean {
  if (apiKey !== undefined) return true;
  if (isLoopback(host)) return isLoopback(peers.get(request)?.address ?? host); // a request within the process has no peer
  return trustRequestsWhenAuthDisabled;
}
