/**
 * One change from what is asked to what it does to the zone: the first four steps of the fixed order (policy →
 * prerequisites → changeset → checks and limits). Nothing is written: the outcome is an overlay, to be thrown
 * away or committed.
 */
import { assert } from "../base/assert.ts";
import { Limits } from "../base/limits.ts";
import type { Principal } from "../identity/principal.ts";
import type { JournalEntry, ZoneVersion } from "../store/store.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import type { Name } from "../wire/name.ts";
import { type Difference, diffNames } from "../zone/changeset.ts";
import { Overlay } from "../zone/overlay.ts";
import { nextSerial } from "../zone/serial.ts";
import { soaSerial, withSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { applyUpdate } from "./apply-update.ts";
import { checkZone } from "./check-zone.ts";
import { checkPolicy } from "./policy.ts";
import { checkPrerequisites } from "./prerequisites.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { RevertDoor } from "./revert-door.ts";
import type { Door, UpdateRequest } from "./update-request.ts";

/** Who changes a zone, through which door and from where: what the journal keeps. */
export interface Intent {
  readonly origin: Name;
  readonly principal: Principal;
  readonly door: Door | RevertDoor;
  /** The client's address as text without port; empty for the command line. */
  readonly address: string;
}

/** A change waiting for its zone. */
export interface Change {
  readonly intent: Intent;
  /** Reads what `write` needs to know about the zone of this version; never rejects. Such a change is committed alone. */
  readonly prepare?: (version: ZoneVersion) => Promise<void>;
  /** Policy, prerequisites, then the change itself written into the overlay. */
  readonly write: (zone: Overlay) => Refusal | undefined;
}

export type Judgement =
  | { readonly status: "changed"; readonly zone: Overlay; readonly entry: JournalEntry }
  | { readonly status: "unchanged" }
  | Refusal;

export function changeOfRequest(request: UpdateRequest): Change {
  return { intent: request, write: (zone) => writeRequest(zone, request) };
}

function writeRequest(zone: Overlay, request: UpdateRequest): Refusal | undefined {
  return (
    checkPolicy(zone, request.principal, request.operations) ??
    checkPrerequisites(zone, request.prerequisites) ??
    checkCount(request) ??
    applyUpdate(zone, request.operations, request.door === "rfc2136")
  );
}

function checkCount({ prerequisites, operations }: UpdateRequest): Refusal | undefined {
  let count = prerequisites.length;
  for (const operation of operations) {
    count += operation.kind === "replace" ? Math.max(operation.rdatas.length, 1) : 1;
  }
  if (count <= Limits.updateRecords) return undefined;
  const detail = `the update has ${count} records, more than ${Limits.updateRecords}`;
  return refuse(Rcode.refused, "limit", detail);
}

/** What the change would do to the zone that `view` shows and that stands at `version`. */
export function judgeChange(
  view: ZoneView,
  version: ZoneVersion,
  change: Change,
  timeMs: number,
): Judgement {
  const zone = new Overlay(view);
  const refused = change.write(zone) ?? checkZone(zone);
  if (refused !== undefined) return refused;
  if (!zone.isChanged()) return { status: "unchanged" };
  const toSerial = stepSerial(zone, version.serial);
  const difference: Difference = { removed: [], added: [] };
  for (const { before, after } of zone.touched()) diffNames(before, after, difference);
  const { origin, principal, door, address } = change.intent;
  const entry: JournalEntry = {
    origin,
    fromSerial: version.serial,
    toSerial,
    removed: difference.removed,
    added: difference.added,
    sequence: version.sequence + 1,
    timeMs,
    actor: principal.actor,
    door,
    address,
  };
  return { status: "changed", zone, entry };
}

/** The serial after this change: one the change itself has set (always a later one), or the next. */
function stepSerial(zone: Overlay, serial: number): number {
  const soa = zone.rrset(zone.origin, Type.SOA);
  assert(soa !== undefined, "a zone has an SOA");
  if (soaSerial(soa) !== serial) return soaSerial(soa);
  const rrset = withSerial(soa, nextSerial(serial));
  zone.set({ owner: zone.origin, rrtype: Type.SOA, rrset });
  return nextSerial(serial);
}
