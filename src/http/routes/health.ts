// GET /health: whether requests are served now. Never needs a key.
import { Elysia } from "elysia";
import { healthSchema } from "../../api/openai/responses.ts";
import type { Context } from "../context.ts";
import { operation } from "../operation.ts";

export function healthRoutes({ models, version }: Context) {
  return new Elysia().get(
    "/health",
    () => {
      const served = models()[0];
      const { state, warmingUp } = served?.service.engine ?? {};
      const body = {
        status: state === "ready" ? "healthy" : (state ?? "not_loaded"),
        model_loaded: state === "ready",
        model_name: served?.service.id ?? null,
        model_type: served ? "llm" : null,
        engine_type: "batched",
        engine_state: state ?? null,
        ...(warmingUp && { warming_up: { doing: warmingUp.doing, stage: warmingUp.stage, stages: warmingUp.stages } }),
        mcp: null,
        available_models: models().map(({ service }) => service.id),
        version,
      };
      return Response.json(body, { status: state === "ready" ? 200 : 503, headers: state === "ready" ? {} : { "retry-after": "2" } });
    },
    {
      detail: operation({
        tag: "Server",
        summary: "Health",
        description: "200 while requests are served, 503 while the engine starts, warms up, restarts or stops. Needs no key.",
        responses: { 200: healthSchema, 503: healthSchema },
      }),
    },
  );
}
