// The app over a scripted engine and the built-in model's real tokenizer and template.
import { afterAll } from "bun:test";
import { openService, type Service } from "../../src/chat/service.ts";
import { makeApp, type AppOptions } from "../../src/http/app.ts";
import type { Encoders, HttpConfig } from "../../src/http/context.ts";
import { EncoderHost } from "../../src/retrieval/host.ts";
import { FakeEngine, type FakeOptions, type Script } from "../helpers/fake-engine.ts";

const folder = new URL("../../mini/checkpoint", import.meta.url).pathname;
const text = openService(folder, new FakeEngine({ ids: [] })); // read once: this is the slow part
afterAll(() => text.close());

export const ids = (written: string) => [...text.tokenizer.encode(written, { specialTokens: false })];

export const usualConfig: HttpConfig = {
  host: "127.0.0.1",
  allowedHosts: [],
  corsOrigins: [],
  apiKey: undefined,
  timeout: 5,
  strictModelId: false,
  repetitionPolicy: "safe",
  trustRequestsWhenAuthDisabled: false,
};

/** As a server without --embedding-model and --rerank-model has them, on a machine without other models. */
export const noEncoders = (): Encoders => ({
  embed: new EncoderHost({ flag: "--embedding-model" }),
  rank: new EncoderHost({ flag: "--rerank-model" }),
});

type Scripts = ConstructorParameters<typeof FakeEngine>[0];

interface Options extends Partial<Omit<AppOptions, "config">> {
  readonly config?: Partial<HttpConfig>;
  readonly engine?: FakeOptions;
}

export interface Opened {
  readonly engine: FakeEngine;
  readonly service: Service;
  readonly log: string[];
  readonly app: ReturnType<typeof makeApp>;
  send(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  /** The answer's JSON body; fails on another status than expected. */
  json(path: string, body: unknown, status?: number): Promise<any>;
}

/** An app whose model writes the scripts; a text is a script of its tokens. */
export function open(scripts: string | Scripts, { config, engine: engineOptions, ...more }: Options = {}): Opened {
  const engine = new FakeEngine(typeof scripts === "string" ? { ids: ids(scripts) } : scripts, engineOptions);
  const service: Service = Object.create(text, {
    id: { value: "org/mini" },
    engine: { value: engine },
    contextLength: { value: engine.info?.contextLength ?? 4096 },
  });
  const log: string[] = [];
  const app = makeApp({
    encoders: noEncoders(),
    models: () => [{ service, aliases: ["mini"], created: 1_700_000_000 }],
    config: { ...usualConfig, ...config },
    version: "1.2.3",
    log: line => log.push(line),
    ...more,
  });
  const send = async (path: string, init: RequestInit = {}) => app.handle(new Request(`http://localhost${path}`, init));
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    send(path, {
      method: "POST",
      body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
      ...init,
      headers: { "content-type": "application/json", ...init.headers },
    });
  const json = async (path: string, body: unknown, status = 200) => {
    const response = await post(path, body);
    const answer = await response.json();
    if (response.status !== status) throw new Error(`status ${response.status}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return { engine, service, log, app, send, post, json };
}

export const say = (text: string, more: Omit<Script, "ids"> = {}): Script => ({ ids: ids(text), ...more });

export const chat = "/v1/chat/completions";
export const completions = "/v1/completions";
export const hello = { messages: [{ role: "user", content: "Hello" }] };

/** The data of each frame, comments included as they are. */
export async function frames(response: Response): Promise<string[]> {
  const all = await response.text();
  if (!all.endsWith("\n\n")) throw new Error(`the stream ends inside a frame: ${all.slice(-100)}`);
  return all
    .slice(0, -2)
    .split("\n\n")
    .map(frame => frame.replace(/^data: /, ""));
}
