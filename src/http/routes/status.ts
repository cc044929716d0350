// GET /v1/status: what the default model's engine does now, and has done.
import { Elysia } from "elysia";
import { notLoaded, statusSchema, toStatus } from "../../api/openai/status.ts";
import type { Context } from "../context.ts";
import { operation } from "../operation.ts";

export function statusRoutes({ models }: Context) {
  return new Elysia().get(
    "/v1/status",
    async () => {
      const served = models()[0];
      if (served === undefined) return Response.json(notLoaded);
      const { service, created } = served;
      if (service.engine.state !== "ready") return Response.json({ status: service.engine.state, model: service.id, requests: [] });
      const stats = await service.engine.stats();
      return Response.json(toStatus({ model: service.id, uptimeSeconds: Date.now() / 1000 - created, stats }));
    },
    {
      detail: operation({
        tag: "Server",
        summary: "Status",
        description: "What the default model's engine does now: requests with their phase, speed and progress; memory by what it is spent on.",
        responses: { 200: statusSchema },
        errors: [503],
      }),
    },
  );
}
