/** `/v1/backup` and `/v1/restore`: what the store holds as one text, and back, while the server goes on. */
import { Readable } from "node:stream";
import { setImmediate as othersTurn } from "node:timers/promises";
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import type { Clock } from "../../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { type BackupOptions, writeBackup } from "../../store/backup/write-backup.ts";
import { parseName } from "../../wire/name.ts";
import { type RestoreOptions, type RestoreParts, restoreBackup } from "../restore-backup.ts";
import type { ZoneStreams } from "./zone-streams.ts";

const Zones = Type.Optional(Type.Array(Type.String({ minLength: 1 })));

const BackupQuery = Type.Object({
  zone: Zones,
  credentials: Type.Boolean({ default: true }),
  skipUnreadable: Type.Boolean({ default: false }),
});
type BackupQuery = Static<typeof BackupQuery>;

const RestoreQuery = Type.Object({ zone: Zones, replace: Type.Boolean({ default: false }) });
type RestoreQuery = Static<typeof RestoreQuery>;

export interface BackupRouteParts extends RestoreParts {
  readonly clock: Clock;
  readonly returnMemory: () => Promise<void>;
}

export function backupRoutes(parts: BackupRouteParts, streams: ZoneStreams): FastifyPluginAsync {
  return async (app) => {
    app.addContentTypeParser("text/dns", (_request, payload, done) => done(null, payload));

    app.get<{ Querystring: BackupQuery }>(
      "/v1/backup",
      { schema: { querystring: BackupQuery } },
      async ({ query }, reply) => {
        const { zone, credentials, skipUnreadable } = query;
        const origins = zone?.map((each) => parseName(each));
        const options = { madeMs: parts.clock.nowMs(), origins, credentials, skipUnreadable };
        return reply.type("text/plain").send(streams.send(wholeBackup(parts, options)));
      },
    );

    app.post<{ Querystring: RestoreQuery; Body: AsyncIterable<Uint8Array> }>(
      "/v1/restore",
      { schema: { querystring: RestoreQuery }, bodyLimit: Number.MAX_SAFE_INTEGER },
      async ({ query, body }, reply) => {
        const { zone, replace } = query;
        const origins = zone?.map((each) => parseName(each));
        const steps = restoreSteps(parts, body, { origins, replace });
        return reply.type("application/x-ndjson").send(Readable.from(steps));
      },
    );
  };
}

/** What stopped it is its last line. */
async function* wholeBackup({ store, log }: BackupRouteParts, options: BackupOptions) {
  try {
    yield* writeBackup(store, options);
  } catch (error) {
    log.error({ problem: errorMessage(error) }, "a backup could not be finished");
  }
}

/** A line of JSON for each zone and one for the documents; what stopped it is the last. */
async function* restoreSteps(
  parts: BackupRouteParts,
  body: AsyncIterable<Uint8Array>,
  options: RestoreOptions,
): AsyncGenerator<string, void, undefined> {
  try {
    for await (const step of restoreBackup(parts, body, options)) yield `${JSON.stringify(step)}\n`;
  } catch (error) {
    const message = errorMessage(error);
    const code = error instanceof WindhoverError ? error.code : ErrorCode.badRequest;
    parts.log.error({ problem: message }, "a restore could not be finished");
    yield `${JSON.stringify({ failed: { code, message } })}\n`;
  } finally {
    void othersTurn().then(parts.returnMemory);
  }
}
