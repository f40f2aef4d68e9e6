/** `/v1/zones/…/labels`: names for points of a zone's history. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import type { ZoneLabel } from "../../update/zone-labels.ts";
import { timeText } from "../../update/zone-point.ts";
import { formatName, type Name, parseName } from "../../wire/name.ts";
import { describePoint } from "./history-entry.ts";
import type { OneZone } from "./zone-parameters.ts";

const NewLabel = Type.Object(
  { label: Type.String(), point: Type.String({ minLength: 1, default: "now" }) },
  { additionalProperties: false },
);
type NewLabel = Static<typeof NewLabel>;

export function labelRoutes({ history }: ZoneEngine, log: Logger): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Params: OneZone }>("/v1/zones/:origin/labels", async ({ params }) => {
      const origin = parseName(params.origin);
      const oldest = await history.oldestSequence(origin);
      const labels = await history.labels.list(origin);
      return labels.map((label) => ({
        ...describeLabel(label),
        isKept: label.sequence >= oldest,
      }));
    });

    app.post<{ Params: OneZone; Body: NewLabel }>(
      "/v1/zones/:origin/labels",
      { schema: { body: NewLabel } },
      async ({ params, body }) => {
        const origin = parseName(params.origin);
        const label = await history.addLabel(origin, body.label, body.point);
        logLabel(log, origin, body.label, "label added");
        return describeLabel(label);
      },
    );

    app.delete<{ Params: OneZone & { label: string } }>(
      "/v1/zones/:origin/labels/:label",
      async ({ params: { origin: text, label } }) => {
        const origin = parseName(text);
        if (!(await history.labels.remove(origin, label))) {
          const message = `${formatName(origin)} has no label ${label}`;
          throw new WindhoverError(ErrorCode.noSuchPoint, message);
        }
        logLabel(log, origin, label, "label removed");
        return {};
      },
    );
  };
}

function describeLabel(label: ZoneLabel) {
  return { label: label.label, ...describePoint(label), made: timeText(label.madeMs) };
}

function logLabel(log: Logger, origin: Name, label: string, message: string): void {
  log.info({ zone: formatName(origin), label, actor: "local" }, message);
}
