// The documentation: complete, valid as far as its own rules go, and free of the internet.
import { expect, test } from "bun:test";
import { countFields, messagesFields } from "../../src/api/anthropic/fields.ts";
import { detokenizeFields, tokenizeFields } from "../../src/api/openai/tokens.ts";
import { inputFields, responsesFields } from "../../src/api/responses/fields.ts";
import { chatFields, completionFields } from "../../src/api/openai/fields.ts";
import { until } from "../helpers/until.ts";
import { open } from "./open.ts";

const { send } = open("Hi");
const document = async (): Promise<any> => (await send("/swagger/json")).json();

test("every route is documented, with its body and its failures", async () => {
  const { openapi, info, paths } = await document();
  expect([openapi, info.title, info.version]).toEqual(["3.1.0", "Pippin", "1.2.3"]);
  const routes = Object.entries<any>(paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method} ${path}`));
  expect(routes.sort()).toEqual([
    "delete /v1/cache",
    "delete /v1/cache/prefix",
    "delete /v1/files/{id}",
    "delete /v1/requests/{id}",
    "delete /v1/responses/{id}",
    "get /api/ps",
    "get /api/tags",
    "get /api/version",
    "get /health",
    "get /v1/batches",
    "get /v1/batches/{id}",
    "get /v1/cache/stats",
    "get /v1/files",
    "get /v1/files/{id}",
    "get /v1/files/{id}/content",
    "get /v1/models",
    "get /v1/models/{id}",
    "get /v1/responses/{id}",
    "get /v1/responses/{id}/input_items",
    "get /v1/status",
    "post /api/chat",
    "post /api/embed",
    "post /api/embeddings",
    "post /api/generate",
    "post /api/show",
    "post /v1/batches",
    "post /v1/batches/{id}/cancel",
    "post /v1/chat/completions",
    "post /v1/completions",
    "post /v1/detokenize",
    "post /v1/embeddings",
    "post /v1/files",
    "post /v1/messages",
    "post /v1/messages/count_tokens",
    "post /v1/requests/{id}/cancel",
    "post /v1/rerank",
    "post /v1/responses",
    "post /v1/responses/input_tokens",
    "post /v1/responses/{id}/cancel",
    "post /v1/score",
    "post /v1/tokenize",
  ]);
  for (const operation of Object.values<any>(paths).flatMap(methods => Object.values<any>(methods))) {
    expect(operation.summary).toBeString();
    expect(operation.operationId).toBeString();
    for (const response of Object.values<any>(operation.responses)) {
      expect(response.description.length).toBeGreaterThan(5);
      expect(response.content["application/json"].schema.type).toBe("object");
    }
  }
});

test("the bodies show every field of the table with its description", async () => {
  const { paths } = await document();
  for (const [path, fields, required] of [
    ["/v1/chat/completions", chatFields, ["messages"]],
    ["/v1/completions", completionFields, ["prompt"]],
    ["/v1/messages", messagesFields, ["messages", "max_tokens"]],
    ["/v1/messages/count_tokens", countFields, ["messages"]],
    ["/v1/responses", responsesFields, undefined],
    ["/v1/tokenize", tokenizeFields, undefined],
    ["/v1/detokenize", detokenizeFields, ["tokens"]],
    ["/v1/responses/input_tokens", inputFields, undefined],
  ] as const) {
    const { schema } = paths[path].post.requestBody.content["application/json"];
    expect(Object.keys(schema.properties)).toEqual(Object.keys(fields));
    expect(schema.required).toEqual(required as never);
    for (const field of Object.values<any>(schema.properties)) expect(field.description).toBeString();
  }
});

test("operation ids are unique and every reference leads somewhere", async () => {
  const all = await document();
  const ids = Object.values<any>(all.paths).flatMap(methods => Object.values<any>(methods).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ids.length);
  expect(JSON.stringify(all)).not.toContain("$ref");
  const parameters = Object.values<any>(all.paths).flatMap(methods => Object.values<any>(methods).flatMap(({ parameters }) => parameters ?? []));
  for (const parameter of parameters) expect(parameter).toEqual({ schema: { type: "string" }, in: "path", name: "id", required: true });
});

test("the page needs nothing but this server", async () => {
  const response = await send("/swagger");
  const page = await response.text();
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(page).not.toMatch(/https?:\/\//);
  expect(page).toContain("/swagger/json");
});

/** As much of a browser's document as the page's script uses; `text` is what a reader sees. */
class Node {
  textContent = "";
  className = "";
  children: Node[] = [];
  append(...children: Node[]): void {
    this.children.push(...children);
  }
  replaceChildren(...children: Node[]): void {
    this.children = children;
  }
  get text(): string {
    return this.textContent + this.children.map(child => child.text).join("\n");
  }
}

test("the page shows every route and every field", async () => {
  const script = /<script>([\s\S]*)<\/script>/.exec(await (await send("/swagger")).text())![1]!;
  const places: Record<string, Node> = { h1: new Node(), p: new Node(), main: new Node() };
  const page = { createElement: () => new Node(), querySelector: (name: string) => places[name] };
  new Function("document", "fetch", script)(page, (path: string) => send(path));
  await until(() => places["main"]!.children.length > 0, "the page is filled");
  const { text } = places["main"]!;
  for (const word of ["/v1/chat/completions", "/health", ...Object.keys(chatFields), ...Object.keys(completionFields), "tool_call_id"])
    expect(text).toContain(word);
  expect(text).toContain("number, ≥ 0, ≤ 2");
  expect(places["h1"]!.text).toBe("Pippin 1.2.3");
});
