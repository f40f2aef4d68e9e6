/** `/healthz`: the process answers. `/readyz`: it has its zones and reaches its store. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import { sendJson } from "./text-reply.ts";

export const Readiness = Type.Object({
  ready: Type.Boolean(),
  /** What is missing, each in a few words; empty when ready. */
  reasons: Type.Array(Type.String()),
  /** What does not keep it from being ready, but may lose updates or zones. */
  warnings: Type.Optional(Type.Array(Type.String())),
});
export type Readiness = Static<typeof Readiness>;

export type ReadinessProbe = () => Readiness | Promise<Readiness>;

export function addHealthRoutes(app: FastifyInstance, probe: ReadinessProbe): void {
  app.route({
    method: ["GET", "HEAD"],
    url: "/healthz",
    handler: (_request, reply) => sendJson(reply, 200, { status: "ok" }),
  });
  app.route({
    method: ["GET", "HEAD"],
    url: "/readyz",
    schema: { response: { 200: Readiness, 503: Readiness } },
    handler: async (_request, reply) => {
      const readiness = await probe();
      return sendJson(reply, readiness.ready ? 200 : 503, readiness);
    },
  });
}
