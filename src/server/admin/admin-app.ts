/**
 * The administrative REST API on the Unix socket: what the command line speaks. Whoever can open the socket (mode
 * 0600) is the operator; there is no other way in.
 */
import { type FastifyInstance, fastify } from "fastify";
import type { Clock } from "../../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import type { Accounts } from "../../identity/accounts.ts";
import type { Keyring } from "../../identity/keyring.ts";
import type { Store } from "../../store/store.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import { backupRoutes } from "./backup-routes.ts";
import { historyRoutes } from "./history-routes.ts";
import { keyRoutes } from "./key-routes.ts";
import { labelRoutes } from "./label-routes.ts";
import { recoverRoutes } from "./recover-routes.ts";
import { type ReloadDoor, reloadRoutes } from "./reload-routes.ts";
import { revertRoutes } from "./revert-routes.ts";
import { tokenRoutes } from "./token-routes.ts";
import { zoneRoutes } from "./zone-routes.ts";
import { ZoneStreams } from "./zone-streams.ts";

export interface AdminParts {
  readonly engine: ZoneEngine;
  readonly store: Store;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly accounts: Accounts;
  readonly reloader: ReloadDoor;
  /** Gives back what reading a large zone file took. */
  readonly returnMemory: () => Promise<void>;
  readonly log: Logger;
}

/** HTTP status by error code; anything else that is ours is the caller's mistake. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  [ErrorCode.forbidden]: 403,
  [ErrorCode.noSuchZone]: 404,
  [ErrorCode.noSuchName]: 404,
  [ErrorCode.noSuchPoint]: 404,
  [ErrorCode.exists]: 409,
  [ErrorCode.zoneExists]: 409,
  [ErrorCode.conflict]: 409,
  [ErrorCode.limit]: 413,
  [ErrorCode.storeUnavailable]: 503,
  [ErrorCode.shuttingDown]: 503,
};

export function createAdminApp(parts: AdminParts): FastifyInstance {
  const app = fastify({ bodyLimit: Limits.httpBody, forceCloseConnections: true });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const code = error instanceof WindhoverError ? error.code : ErrorCode.badRequest;
    const status =
      error instanceof WindhoverError ? (STATUS[code] ?? 400) : (error.statusCode ?? 500);
    if (status === 500) {
      const fields = { problem: error.stack, path: request.routeOptions.url };
      parts.log.error(fields, "an administrative request failed");
    }
    return reply.code(status).send({ code, message: errorMessage(error) });
  });
  const streams = new ZoneStreams();
  app.register(zoneRoutes(parts, streams));
  app.register(historyRoutes(parts.engine, streams));
  app.register(revertRoutes(parts.engine, parts.log));
  app.register(recoverRoutes(parts.engine, parts.log));
  app.register(labelRoutes(parts.engine, parts.log));
  app.register(keyRoutes(parts.keyring, parts.log));
  app.register(tokenRoutes(parts.accounts, parts.log));
  app.register(reloadRoutes(parts.reloader));
  const reloadIdentities = async () => {
    await parts.keyring.load();
    await parts.accounts.load();
  };
  app.register(backupRoutes({ ...parts, reloadIdentities }, streams));
  return app;
}
