/** `/v1/reload`: takes the configuration over, or tells what that would do; either way the error when it cannot be. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import type { ReloadOutcome } from "../reload.ts";

export interface ReloadDoor {
  reload(trigger: "command"): Promise<ReloadOutcome>;
  check(): Promise<ReloadOutcome>;
}

const ReloadQuery = Type.Object({ check: Type.Boolean({ default: false }) });

export function reloadRoutes(door: ReloadDoor): FastifyPluginAsync {
  return async (app) => {
    app.post<{ Querystring: Static<typeof ReloadQuery> }>(
      "/v1/reload",
      { schema: { querystring: ReloadQuery } },
      ({ query }) => (query.check ? door.check() : door.reload("command")),
    );
  };
}
