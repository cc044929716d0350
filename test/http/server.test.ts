// The same app behind a real port: sockets, parallel requests, clients that vanish, and the end.
import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { listen, ListenError, type Listener } from "../../src/http/listen.ts";
import { until } from "../helpers/until.ts";
import { chat, hello, open, say, type Opened } from "./open.ts";

const listeners: Listener[] = [];
afterEach(async () => {
  await Promise.all(listeners.splice(0).map(listener => listener.stop(0)));
});

function start(...args: Parameters<typeof open>): Opened & { listener: Listener; ask(body: object, init?: RequestInit): Promise<Response> } {
  const opened = open(...args);
  const listener = listen(opened.app, { host: "127.0.0.1", port: 0 });
  listeners.push(listener);
  const headers = { "content-type": "application/json" };
  return { ...opened, listener, ask: (body, init) => fetch(listener.url + chat, { method: "POST", body: JSON.stringify(body), headers, ...init }) };
}

interface Talk {
  readonly socket: Socket;
  received: string;
  closed: boolean;
}

async function talk({ port }: Listener, text: string): Promise<Talk> {
  const socket = connect(port, "127.0.0.1");
  const state: Talk = { socket, received: "", closed: false };
  socket.on("data", data => (state.received += data.toString("latin1")));
  socket.on("close", () => (state.closed = true));
  socket.on("error", () => (state.closed = true));
  socket.write(text);
  return state;
}

const post = (body: string, more = "") =>
  `POST ${chat} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

describe("a port", () => {
  test("serves many requests at once", async () => {
    const { ask, engine } = start(say("one two three", { delay: 10 }));
    const answers = await Promise.all(Array.from({ length: 40 }, async (_, i) => (await ask({ ...hello, stream: i % 2 === 0 })).text()));
    expect(answers.filter(answer => answer.includes("one") && /stop/.test(answer))).toHaveLength(40);
    expect(engine.sequences).toHaveLength(40);
  });

  test("answers requests on one connection in their order", async () => {
    const { listener } = start("Hi");
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
    const state = await talk(listener, get("/health") + get("/v1/models") + get("/v1/models/x"));
    await until(() => state.received.split("HTTP/1.1 ").length === 4, "three answers come");
    expect(state.received.match(/HTTP\/1.1 (\d+)/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 404"]);
    state.socket.destroy();
  });

  test("keeps the connection after a refused request", async () => {
    const { listener } = start("Hi");
    const state = await talk(listener, post("{bad"));
    await until(() => state.received.includes("invalid_json"), "the refusal comes");
    state.socket.write(post(JSON.stringify(hello)));
    await until(() => state.received.includes("chat.completion"), "the answer comes on the same connection");
    state.socket.destroy();
  });

  test("refuses a body of 50 MB, declared or not, and serves the next", async () => {
    const { ask, listener } = start("Hi");
    const body = new Uint8Array(50 * 1024 * 1024).fill(32);
    expect((await ask({}, { body })).status).toBe(413);
    const chunks = new ReadableStream({
      start(controller) {
        for (let at = 0; at < 50; at++) controller.enqueue(body.subarray(at * 1024 * 1024, (at + 1) * 1024 * 1024));
        controller.close();
      },
    });
    const response = await ask({}, { body: chunks }).catch(() => undefined); // the client may still be writing when it is refused
    expect(response?.status ?? 413).toBe(413);
    expect((await fetch(`${listener.url}/health`)).status).toBe(200);
    expect((await ask(hello)).status).toBe(200);
  });

  test("gives up on a client that sends half a body and leaves", async () => {
    const { listener, engine, ask } = start("Hi");
    const state = await talk(listener, post(JSON.stringify(hello)).slice(0, -10));
    await Bun.sleep(20);
    state.socket.destroy();
    expect((await ask(hello)).status).toBe(200);
    expect(engine.sequences).toHaveLength(1);
  });

  test.each([
    ["no HTTP", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
    ["two lengths", `POST ${chat} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n`, 400],
    ["a length and chunks", `POST ${chat} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
    ["headers of 100 kB", `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(100_000)}\r\n\r\n`, 431],
    ["HTTP/1.0 without a host", "GET /health HTTP/1.0\r\n\r\n", 400],
  ])("answers %s with a refusal", async (_, text, status) => {
    const { listener } = start("Hi");
    const state = await talk(listener, text);
    await until(() => state.closed || state.received.endsWith("}"), "an answer comes");
    expect(state.received).toStartWith(`HTTP/1.1 ${status} `);
    state.socket.destroy();
    expect((await fetch(`${listener.url}/health`)).status).toBe(200);
  });

  test("notices clients that vanish, before and inside their answers", async () => {
    const { listener, engine } = start(say("a b", { hang: true }));
    const whole = await talk(listener, post(JSON.stringify(hello)));
    const streamed = await talk(listener, post(JSON.stringify({ ...hello, stream: true })));
    await until(() => engine.running === 2 && streamed.received.includes("delta"), "both run");
    whole.socket.destroy();
    streamed.socket.destroy();
    await until(() => engine.aborted === 2, "both are aborted");
  });
});

describe("opening a port", () => {
  test("that is taken fails with what to type", () => {
    const { listener, app } = start("Hi");
    const open = () => listen(app, { host: "127.0.0.1", port: listener.port });
    expect(open).toThrow(ListenError);
    expect(open).toThrow(
      `port ${listener.port} is taken by another program: give --port ${listener.port + 1}, or find it with: lsof -i :${listener.port}`,
    );
  });

  test("on a foreign address fails with what to type", () => {
    const { app } = start("Hi");
    expect(() => listen(app, { host: "203.0.113.1", port: 0 })).toThrow("203.0.113.1 is not an address of this machine: give --host 127.0.0.1");
  });
});

describe("stopping", () => {
  test("waits for the answers under way, and takes no new connections", async () => {
    const { listener, ask, engine } = start(say("one two three", { delay: 20 }));
    const streamed = await ask({ ...hello, stream: true });
    const whole = ask(hello);
    await until(() => engine.sequences.length === 2, "both are under way");
    const stopped = listener.stop(60);
    await Bun.sleep(5);
    expect(
      await fetch(`${listener.url}/health`, { keepalive: false }).then(
        () => "served",
        () => "refused",
      ),
    ).toBe("refused");
    expect(await streamed.text()).toEndWith("data: [DONE]\n\n");
    expect(await (await whole).text()).toContain("three");
    await stopped;
  });

  test("closes what is left when its time is over", async () => {
    const { listener, ask, engine } = start(say("a", { hang: true }));
    const response = await ask({ ...hello, stream: true });
    await listener.stop(0.05);
    await response.text().catch(() => "cut");
    await until(() => engine.aborted === 1, "the sequence is aborted");
  });
});
