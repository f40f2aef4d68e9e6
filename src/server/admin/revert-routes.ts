/** `/v1/zones/…/revert`: one change undone, or the zone or some names of it as they were. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Revert } from "../../update/revert-zone.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import { formatName, type Name, parseName } from "../../wire/name.ts";
import { describePoint, shownRecords } from "./history-entry.ts";
import { operatorIntent } from "./operator.ts";
import { refused } from "./refused.ts";
import { type OneZone, ownerIn } from "./zone-parameters.ts";

/** Either `to` or `change`. */
const RevertBody = Type.Object(
  {
    to: Type.Optional(Type.String({ minLength: 1 })),
    /** With `to`: these names only. */
    names: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 100 })),
    /** The sequence of a change. */
    change: Type.Optional(Type.Integer({ minimum: 1 })),
    /** With `change`: whatever later changes did to its RRsets. */
    force: Type.Boolean({ default: false }),
    dryRun: Type.Boolean({ default: false }),
  },
  { additionalProperties: false },
);
type RevertBody = Static<typeof RevertBody>;

export function revertRoutes(engine: ZoneEngine, log: Logger): FastifyPluginAsync {
  return async (app) => {
    app.post<{ Params: OneZone; Body: RevertBody }>(
      "/v1/zones/:origin/revert",
      { schema: { body: RevertBody } },
      async ({ params, body }) => {
        const origin = parseName(params.origin);
        const { revert, ...back } = await readRevert(engine, origin, body);
        const done = await engine.revertZone(operatorIntent(origin), revert, body.dryRun);
        const { verdict } = done;
        if (verdict.status === "refused") throw refused(verdict);
        const { status, serial } = verdict;
        if (status === "applied") {
          log.info({ zone: formatName(origin), serial, ...back, actor: "local" }, "zone reverted");
        }
        return { status, serial, dryRun: body.dryRun, ...back, ...shownRecords(done) };
      },
    );
  };
}

async function readRevert(engine: ZoneEngine, origin: Name, body: RevertBody) {
  const { to, names, change, force } = body;
  if ((to === undefined) === (change === undefined)) throw badRevert("say either `to` or `change`");
  if (change !== undefined) {
    if (names !== undefined) throw badRevert("`names` goes with `to`");
    const entry = await engine.history.change(origin, change);
    const revert: Revert = { kind: "change", entry, isForced: force };
    return { revert, change };
  }
  if (force) throw badRevert("`force` goes with `change`");
  const point = await engine.history.point(origin, to as string);
  const owners = names?.map((name) => ownerIn(origin, name));
  const revert: Revert = { kind: "to", version: point, ...(owners && { owners }) };
  return { revert, to: describePoint(point), ...(owners && { names: owners.map(formatName) }) };
}

function badRevert(message: string): WindhoverError {
  return new WindhoverError(ErrorCode.badRequest, message);
}
