// Opens the port and closes it again: what Bun needs to be told for long streams, and errors that say what to type.
import type { AnyElysia } from "elysia";
import { notePeer } from "./origin.ts";

const HEADER_SECONDS = 30; // for the first request on a connection to arrive

/** The port cannot be opened; the message is one line for the user. */
export class ListenError extends Error {}

export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Takes no new connections, waits for the answers under way for at most so long, then closes what is left. */
  stop(graceSeconds: number): Promise<void>;
}

export function listen(app: AnyElysia, { host, port }: { readonly host: string; readonly port: number }): Listener {
  const hostname = host.replace(/^\[(.*)\]$/, "$1");
  const server = open(app, hostname, port);
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.port}`,
    port: server.port!,
    async stop(graceSeconds) {
      await Promise.race([server.stop(), Bun.sleep(graceSeconds * 1000)]);
      await server.stop(true);
    },
  };
}

function open(app: AnyElysia, hostname: string, port: number) {
  try {
    return Bun.serve({
      hostname,
      port,
      fetch(request, server) {
        notePeer(request, server.requestIP(request));
        server.timeout(request, 0); // streams are silent while a prompt is read; a body that does not arrive has its own limit
        return app.fetch(request);
      },
      idleTimeout: HEADER_SECONDS,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER, // limits.ts refuses large bodies in our shape
      development: false,
      reusePort: false, // outside development Bun would share a taken port in silence
    });
  } catch (error) {
    throw new ListenError(
      listenMessage((error as { code?: unknown }).code, hostname, port) ?? `cannot listen on ${hostname}:${port}: ${String(error)}`,
    );
  }
}

function listenMessage(code: unknown, hostname: string, port: number): string | undefined {
  if (code === "EADDRINUSE") return `port ${port} is taken by another program: give --port ${port + 1}, or find it with: lsof -i :${port}`;
  if (code === "EACCES") return `port ${port} needs administrator rights: give a port above 1023, such as --port 8000`;
  if (code === "EADDRNOTAVAIL") return `${hostname} is not an address of this machine: give --host 127.0.0.1, or --host 0.0.0.0 for all its networks`;
  return undefined;
}
