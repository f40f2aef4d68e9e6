/** `/v1/zones`: what zones there are, import and export as zone files, deletion. */
import type { IncomingMessage } from "node:http";
import { setImmediate as othersTurn } from "node:timers/promises";
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import { formatName, type Name, nameKey, parseName } from "../../wire/name.ts";
import { readCheckedZoneInTurns } from "../../zone/checked-zone.ts";
import type { RRset } from "../../zone/rrset.ts";
import type { ZoneContents } from "../../zone/zone-contents.ts";
import { formatZone } from "../../zone/zone-file-writer.ts";
import type { ZoneView } from "../../zone/zone-view.ts";
import { collectGarbage } from "../native/return-memory.ts";
import { type BodyPieces, readPieces } from "./body-pieces.ts";
import { operatorIntent } from "./operator.ts";
import { refused } from "./refused.ts";
import { type OneZone, ownerIn, rrtypeOf } from "./zone-parameters.ts";
import type { ZoneStreams } from "./zone-streams.ts";

const ExportQuery = Type.Object({
  /** A point of its history; without it the zone as it is. */
  at: Type.Optional(Type.String({ minLength: 1 })),
  name: Type.Optional(Type.String({ minLength: 1 })),
  type: Type.Optional(Type.String({ minLength: 1 })),
});
type ExportQuery = Static<typeof ExportQuery>;

/** Octets of a zone file from which it is worth the time to give back what reading it took. */
const LARGE = 4 * 1024 * 1024;

export interface ZoneRouteParts {
  readonly engine: ZoneEngine;
  readonly returnMemory: () => Promise<void>;
  readonly log: Logger;
}

export function zoneRoutes(parts: ZoneRouteParts, streams: ZoneStreams): FastifyPluginAsync {
  const { engine, log } = parts;
  return async (app) => {
    app.addContentTypeParser("text/dns", (_request: FastifyRequest, body: IncomingMessage) =>
      readPieces(body, Limits.zoneFileBody),
    );

    app.get("/v1/zones", () =>
      engine.zones().map((zone) => ({ ...zone, origin: formatName(zone.origin) })),
    );

    app.post<{ Params: OneZone; Body: BodyPieces }>(
      "/v1/zones/:origin/import",
      {
        bodyLimit: Limits.zoneFileBody,
        // In a turn of its own, when nobody holds the request any more.
        onResponse: async ({ body }) => {
          if (body.length >= LARGE) void othersTurn().then(parts.returnMemory);
        },
      },
      async ({ params, body }) => {
        const origin = parseName(params.origin);
        const source = { chunks: body.pieces, file: "the zone file", origin };
        const warn = ({ message }: { message: string }) =>
          log.warn({ zone: formatName(origin), finding: message }, "zone check");
        const zone = await readCheckedZoneInTurns(source, warn, othersTurn);
        return importZone(engine, origin, zone);
      },
    );

    /** Which version it is stands in the head of the answer. */
    app.get<{ Params: OneZone; Querystring: ExportQuery }>(
      "/v1/zones/:origin/export",
      { schema: { querystring: ExportQuery } },
      async ({ params, query }, reply) => {
        const origin = parseName(params.origin);
        const part = partOf(origin, query);
        const past = await engine.history.open(origin, query.at, part?.owner);
        const lines = formatZone(part === undefined ? past.view : partView(past.view, part));
        reply.header("windhover-serial", past.point.serial);
        reply.header("windhover-sequence", past.point.sequence);
        return reply.type("text/dns").send(streams.send(lines, past.close));
      },
    );

    app.delete<{ Params: OneZone }>("/v1/zones/:origin", async ({ params }) => {
      await engine.deleteZone(operatorIntent(parseName(params.origin)));
      return {};
    });
  };
}

async function importZone(engine: ZoneEngine, origin: Name, zone: ZoneContents) {
  if (findZone(engine, origin) === undefined) {
    await engine.createZone(operatorIntent(origin), zone.toBeGivenUp(collectGarbage));
    return { status: "created", serial: findZone(engine, origin)?.serial };
  }
  const verdict = await engine.importZone(operatorIntent(origin), zone);
  if (verdict.status === "refused") throw refused(verdict);
  return { status: verdict.status, serial: verdict.serial };
}

function findZone(engine: ZoneEngine, origin: Name) {
  return engine.zones().find((zone) => nameKey(zone.origin) === nameKey(origin));
}

/** Only RRsets of this owner, of this type. */
interface ZonePart {
  readonly owner: Name | undefined;
  readonly rrtype: number | undefined;
}

function partOf(origin: Name, { name, type }: ExportQuery): ZonePart | undefined {
  if (name === undefined && type === undefined) return undefined;
  return {
    owner: name === undefined ? undefined : ownerIn(origin, name),
    rrtype: type === undefined ? undefined : rrtypeOf(type),
  };
}

function partView(view: ZoneView, { owner, rrtype }: ZonePart): ZoneView {
  const isPart = (each: RRset) => rrtype === undefined || each.rrtype === rrtype;
  return {
    origin: view.origin,
    rrset: (name, type) => view.rrset(name, type),
    rrsets: (name) => view.rrsets(name).filter(isPart),
    owners: () => (owner === undefined ? view.owners() : [owner]),
  };
}
