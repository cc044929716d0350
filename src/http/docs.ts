// GET /swagger: the routes as a page, and as an OpenAPI document under /swagger/json. The plugin writes the document, when it is first asked
// for; its own page loads scripts from the internet, which a local server must not need, so the page is ours.
import { Elysia, type AnyElysia } from "elysia";
import type { Context } from "./context.ts";
import page from "./docs.html" with { type: "text" };

export function docsRoutes({ version }: Context, app: () => AnyElysia) {
  let document: Promise<string> | undefined;
  const hidden = { detail: { hide: true } };
  return new Elysia()
    .get(
      "/swagger",
      () => new Response(String(page), { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy } }),
      hidden,
    )
    .get(
      "/swagger/json",
      async () => new Response(await (document ??= writeDocument(app(), version)), { headers: { "content-type": "application/json" } }),
      hidden,
    );
}

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

async function writeDocument(app: AnyElysia, version: string): Promise<string> {
  const { swagger } = await import("@elysiajs/swagger"); // heavy, and most servers are never asked
  const documentation = {
    openapi: "3.1.0", // schemas are JSON schema 2020-12
    info: { title: "Pippin", description: "A local inference server that speaks the OpenAI, Anthropic and Ollama APIs.", version },
    security: [{}, { bearer: [] }, { key: [] }],
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" }, key: { type: "apiKey", in: "header", name: "x-api-key" } } },
  } as const;
  const writer = new Elysia({ aot: false }).use(app).use(swagger({ path: "/document", documentation: documentation as never }));
  return (await writer.handle(new Request("http://localhost/document/json"))).text();
}
