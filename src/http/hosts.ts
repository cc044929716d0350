// Which Host and Origin headers are served. A page of another site can reach a local server by pointing its own name at this
// machine (DNS rebinding); the Host header then still shows that name. Other origins get no CORS headers unless they are listed.
import { HttpError } from "./errors.ts";
import { isLoopback } from "../util/loopback.ts";

export interface HostRules {
  readonly host: string;
  readonly allowedHosts: readonly string[]; // further names; "*" allows every name
  readonly corsOrigins: readonly string[]; // "*" allows every origin
}

const wildcards = ["0.0.0.0", "::", "*", ""];
const isAddress = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/;

/** A check that throws 403 for a foreign Host header. */
export function makeHostCheck({ host, allowedHosts }: HostRules): (request: Request) => void {
  const names = new Set([host, ...allowedHosts].map(name => hostname(name)));
  const anyAddress = wildcards.includes(host); // an address names this machine; only names can be rebound
  return request => {
    const name = hostname(request.headers.get("host") ?? urlHost(request.url));
    if (names.has(name) || names.has("*") || isLoopback(name) || (anyAddress && isAddress.test(name))) return;
    const shown = name.slice(0, 100);
    throw new HttpError(
      403,
      `The host name "${shown}" is not served. To allow it, start the server with --allowed-hosts ${shown}.`,
      "host_not_allowed",
    );
  };
}

function urlHost(url: string): string {
  if (!URL.canParse(url)) throw new HttpError(400, "The request has no Host header.", "missing_host"); // HTTP/1.0
  return new URL(url).host;
}

/** "[::1]:8000" → "::1"; lower case, without port and trailing dot. */
function hostname(host: string): string {
  const lower = host.trim().toLowerCase();
  const bracketed = /^\[([^\]]*)\]/.exec(lower)?.[1];
  if (bracketed !== undefined) return bracketed;
  const colon = lower.indexOf(":");
  const name = colon >= 0 && colon === lower.lastIndexOf(":") ? lower.slice(0, colon) : lower; // two colons: an IPv6 address without brackets
  return name.replace(/\.$/, "");
}

/** The CORS headers for a listed origin, undefined for every other request. */
export function corsHeaders(request: Request, { corsOrigins }: HostRules): Record<string, string> | undefined {
  const origin = request.headers.get("origin");
  if (!origin || !(corsOrigins.includes("*") || corsOrigins.includes(origin))) return undefined;
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "x-request-id, x-pippin-ignored, retry-after",
    vary: "origin",
  };
}

/** The answer to a preflight request of a listed origin. */
export function preflight(request: Request, cors: Record<string, string>): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...cors,
      "access-control-allow-methods": request.headers.get("access-control-request-method") ?? "GET, POST",
      "access-control-allow-headers": request.headers.get("access-control-request-headers") ?? "authorization, content-type, x-api-key",
      "access-control-max-age": "600",
    },
  });
}
