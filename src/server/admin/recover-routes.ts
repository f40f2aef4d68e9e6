/** `/v1/zones/…/recover`: what the store lost and a node still had, back by one change, or given up. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import type { LostRRset } from "../../update/lost-changes.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import type { RecoveryPlan } from "../../update/zone-recovery.ts";
import { formatName, parseName } from "../../wire/name.ts";
import { typeName } from "../../wire/rr-types.ts";
import type { RRset } from "../../zone/rrset.ts";
import { shownRecords } from "./history-entry.ts";
import { operatorIntent } from "./operator.ts";
import { refused } from "./refused.ts";
import type { OneZone } from "./zone-parameters.ts";

const RecoverBody = Type.Object(
  { dryRun: Type.Boolean({ default: false }), discard: Type.Boolean({ default: false }) },
  { additionalProperties: false },
);
type RecoverBody = Static<typeof RecoverBody>;

export function recoverRoutes({ recovery }: ZoneEngine, log: Logger): FastifyPluginAsync {
  return async (app) => {
    app.post<{ Params: OneZone; Body: RecoverBody }>(
      "/v1/zones/:origin/recover",
      { schema: { body: RecoverBody } },
      async ({ params, body }) => {
        const intent = operatorIntent(parseName(params.origin));
        const zone = formatName(intent.origin);
        if (body.dryRun) {
          return {
            status: body.discard ? "would-discard" : "would-recover",
            ...tell(await recovery.plan(intent.origin)),
          };
        }
        if (body.discard) {
          const rrsets = await recovery.discard(intent);
          log.warn({ zone, rrsets, actor: "local" }, "what the store lost of the zone is given up");
          return { status: "discarded", rrsets };
        }
        const { verdict, plan } = await recovery.recover(intent);
        if (verdict.status === "refused") throw refused(verdict);
        const { status, serial } = verdict;
        const told = { status, serial, ...tell(plan) };
        if (told.rrsets + told.dropped > 0) {
          log.info({ zone, serial, recovered: told.recovered, actor: "local" }, "zone recovered");
        }
        return told;
      },
    );
  };
}

/** Records that come back, and RRsets that do not because they were changed again. */
function tell({ rrsets, dropped }: RecoveryPlan) {
  const back = rrsets.filter(({ recovery }) => recovery === "recovered");
  const changed = rrsets.filter(({ recovery }) => recovery === "changed-since");
  const isRRset = (rrset: RRset | undefined) => rrset !== undefined;
  const removed = back.map(({ stored }) => stored).filter(isRRset);
  const added = back.map(({ shown }) => shown).filter(isRRset);
  return {
    rrsets: rrsets.length,
    recovered: back.length,
    ...shownRecords({ removed, added }),
    changedSince: changed.length,
    changed: changed.slice(0, Limits.historyEntryRecords).map(nameOf),
    /** Lost, but too many to be kept. */
    dropped,
  };
}

function nameOf({ owner, rrtype }: LostRRset): string {
  return `${formatName(owner)} ${typeName(rrtype)}`;
}
