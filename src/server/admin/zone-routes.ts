/** `/v1/zones`: what zones there are, import and export as zone files, deletion, history. */
import { Readable } from "node:stream";
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import type { Intent } from "../../update/judge-change.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import type { Verdict } from "../../update/update-request.ts";
import { formatName, type Name, nameKey, parseName } from "../../wire/name.ts";
import { readCheckedZone } from "../../zone/checked-zone.ts";
import type { ZoneContents } from "../../zone/zone-contents.ts";
import { formatZone } from "../../zone/zone-file-writer.ts";
import { historyEntry } from "./history-entry.ts";
import { OPERATOR } from "./operator.ts";

const OneZone = Type.Object({ origin: Type.String({ minLength: 1 }) });
type OneZone = Static<typeof OneZone>;

const HistoryPage = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: Limits.journalPage, default: 20 }),
  /** Only entries with a sequence below this one. */
  before: Type.Optional(Type.Integer({ minimum: 1 })),
});

export function zoneRoutes(engine: ZoneEngine, log: Logger): FastifyPluginAsync {
  return async (app) => {
    app.addContentTypeParser(
      "text/dns",
      { parseAs: "buffer", bodyLimit: Limits.zoneFileBody },
      (_, body, done) => done(null, body),
    );

    app.get("/v1/zones", () =>
      engine.zones().map((zone) => ({ ...zone, origin: formatName(zone.origin) })),
    );

    app.post<{ Params: OneZone; Body: Buffer }>(
      "/v1/zones/:origin/import",
      { bodyLimit: Limits.zoneFileBody },
      async ({ params, body }) => {
        const origin = parseName(params.origin);
        const source = { chunks: [body], file: "the zone file", origin };
        const zone = readCheckedZone(source, ({ message }) =>
          log.warn({ zone: formatName(origin), finding: message }, "zone check"),
        );
        return importZone(engine, origin, zone);
      },
    );

    app.get<{ Params: OneZone }>("/v1/zones/:origin/export", (request, reply) => {
      const view = engine.view(parseName(request.params.origin));
      if (view === undefined) throw noSuchZone(parseName(request.params.origin));
      return reply.type("text/dns").send(Readable.from(formatZone(view)));
    });

    app.delete<{ Params: OneZone }>("/v1/zones/:origin", async ({ params }) => {
      await engine.deleteZone(intent(parseName(params.origin)));
      return {};
    });

    app.get<{ Params: OneZone; Querystring: Static<typeof HistoryPage> }>(
      "/v1/zones/:origin/history",
      { schema: { querystring: HistoryPage } },
      ({ params, query }) => readHistory(engine, parseName(params.origin), query),
    );
  };
}

async function importZone(engine: ZoneEngine, origin: Name, zone: ZoneContents) {
  if (findZone(engine, origin) === undefined) {
    await engine.createZone(intent(origin), zone);
    return { status: "created", serial: findZone(engine, origin)?.serial };
  }
  const verdict = await engine.importZone(intent(origin), zone);
  if (verdict.status === "refused") throw refused(verdict);
  return { status: verdict.status, serial: verdict.serial };
}

/** The newest entries below `before`, newest first. */
async function readHistory(engine: ZoneEngine, origin: Name, page: Static<typeof HistoryPage>) {
  const zone = findZone(engine, origin);
  if (zone === undefined) throw noSuchZone(origin);
  const end = Math.min(page.before ?? zone.sequence + 1, zone.sequence + 1);
  const afterSequence = Math.max(0, end - 1 - page.limit);
  const entries = await engine.readJournal(origin, { afterSequence, limit: page.limit });
  return entries
    .filter((entry) => entry.sequence < end)
    .map(historyEntry)
    .reverse();
}

function findZone(engine: ZoneEngine, origin: Name) {
  return engine.zones().find((zone) => nameKey(zone.origin) === nameKey(origin));
}

function intent(origin: Name): Intent {
  return { origin, principal: OPERATOR, door: "cli", address: "" };
}

function refused(verdict: Extract<Verdict, { status: "refused" }>): WindhoverError {
  const isOurs = verdict.reason === "store-unavailable" || verdict.reason === "queue-full";
  return new WindhoverError(
    isOurs ? ErrorCode.storeUnavailable : ErrorCode.badZone,
    verdict.detail,
  );
}

function noSuchZone(origin: Name): WindhoverError {
  return new WindhoverError(ErrorCode.noSuchZone, `there is no zone ${formatName(origin)}`);
}
