/**
 * A zone that comes back from elsewhere: as it stood there, its history with it, unless it was deleted here at a later
 * version. Secondaries have seen that one, so the zone then begins behind it, with a history of its own.
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { ZoneBeginning } from "../store/check-commit.ts";
import type { ZonePast, ZoneVersion } from "../store/store.ts";
import { isSameVersion } from "../store/zone-version.ts";
import { Type } from "../wire/code-points.ts";
import { formatName } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import type { PackedRRsets } from "../zone/rrset-pack.ts";
import { isSerialAfter, nextSerial } from "../zone/serial.ts";
import { withSerial } from "../zone/soa.ts";
import type { Intent } from "./judge-change.ts";
import { checkNewZone, creationEntry } from "./new-zone.ts";

export interface RestoreTerms {
  /** RRsets that the zone may have. */
  readonly limit: number;
  readonly timeMs: number;
  /** Where the zone stood when it was last deleted here. */
  readonly deleted: ZoneVersion | undefined;
}

export interface RestoredZone {
  readonly beginning: ZoneBeginning;
  readonly rrsets: PackedRRsets;
}

/** Rejects as `checkNewZone` does, and `bad-zone` where the SOA has another serial than the zone is said to have. */
export async function draftRestore(
  intent: Intent,
  past: ZonePast,
  rrsets: Iterable<RRset>,
  { limit, timeMs, deleted }: RestoreTerms,
): Promise<RestoredZone> {
  const zone = await checkNewZone(past.origin, rrsets, limit);
  if (zone.serial !== past.serial) {
    const message = `zone ${formatName(past.origin)} stood at serial ${past.serial}, and its SOA says ${zone.serial}`;
    throw new WindhoverError(ErrorCode.badZone, message);
  }
  if (deleted === undefined || !isPast(deleted, past)) {
    return { beginning: past, rrsets: zone.rrsets };
  }
  const serial = isSerialAfter(past.serial, deleted.serial)
    ? past.serial
    : nextSerial(deleted.serial);
  const anew = await checkNewZone(past.origin, withZoneSerial(zone.rrsets, serial), limit);
  const when = { sequence: deleted.sequence + 1, timeMs };
  return { beginning: creationEntry(intent, anew, when), rrsets: anew.rrsets };
}

/** Whether where it is to stand is past, or of another history, for who saw it before it was deleted. */
function isPast(deleted: ZoneVersion, past: ZonePast): boolean {
  if (isSameVersion(deleted, past)) return false;
  return deleted.sequence >= past.sequence || isSerialAfter(deleted.serial, past.serial);
}

function withZoneSerial(rrsets: Iterable<RRset>, serial: number): Iterable<RRset> {
  return {
    *[Symbol.iterator]() {
      for (const rrset of rrsets) {
        yield rrset.rrtype === Type.SOA ? withSerial(rrset, serial) : rrset;
      }
    },
  };
}
