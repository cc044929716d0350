// GET /v1/cache/stats, DELETE /v1/cache and DELETE /v1/cache/prefix: what is stored of earlier prompts, of every served model.
import { Elysia } from "elysia";
import { cacheClearedSchema, cacheStatsSchema, prefixClearedSchema } from "../../api/openai/responses.ts";
import { toCacheStats } from "../../api/openai/cache.ts";
import { findReadyModel, type Context } from "../context.ts";
import { operation } from "../operation.ts";

export function cacheRoutes(context: Context) {
  const models = () => context.models().filter(({ service }) => service.adapter === undefined); // one per engine
  const engines = () => models().map(({ service }) => findReadyModel(context, service.id).engine);
  const clear = () => Promise.all(engines().map(engine => engine.clearCache()));
  return new Elysia()
    .get(
      "/v1/cache/stats",
      async () => {
        const all = await Promise.all(engines().map(engine => engine.stats()));
        const stats = models().map(({ service }, i) => ({ model: service.id, ...toCacheStats(all[i]!.prefix) }));
        const none = { multimodal_kv_cache: null, pixel_values_cache: null, pil_image_cache: null };
        return Response.json({ ...none, engine_cache: toCacheStats(all[0]?.prefix), models: stats });
      },
      {
        detail: operation({
          tag: "Server",
          summary: "Stored prefixes",
          description: "`engine_cache` is the default model's. The other caches of vllm-mlx are null: images are not stored.",
          responses: { 200: cacheStatsSchema },
          errors: [503],
        }),
      },
    )
    .delete("/v1/cache", async () => (await clear(), Response.json({ status: "cleared", caches: ["prefix"] })), {
      parse: "none",
      detail: operation({
        tag: "Server",
        summary: "Clear all caches",
        description: "Drops every stored prefix, in memory and on disk, that no running request is reading.",
        responses: { 200: cacheClearedSchema },
        errors: [503],
      }),
    })
    .delete(
      "/v1/cache/prefix",
      async () => (await clear(), context.rewarm?.(), Response.json({ status: "cleared", rewarm_scheduled: context.rewarm !== undefined })),
      {
        parse: "none",
        detail: operation({
          tag: "Server",
          summary: "Clear stored prefixes",
          description: "The same, and reads the prompts of --warm-prompts again in the background.",
          responses: { 200: prefixClearedSchema },
          errors: [503],
        }),
      },
    );
}
