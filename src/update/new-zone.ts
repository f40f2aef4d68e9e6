/**
 * A zone that is to be made: what every zone must have, so that it can be served and changed at all, and its way into
 * store and table at once, by packs.
 */
import { setImmediate as othersTurn } from "node:timers/promises";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { JournalEntry } from "../store/store.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import {
  isPacked,
  PackCursor,
  type PackedRRsets,
  type PacksInTurns,
  packRRsets,
  type RRsetPack,
} from "../zone/rrset-pack.ts";
import { soaSerial } from "../zone/soa.ts";
import type { Intent } from "./judge-change.ts";
import type { ZoneTableLoader } from "./zone-table.ts";

/** RRsets that the journal keeps of a new zone; a larger one is told in the store only. */
const CREATION_RRSETS = 1_000;

export interface NewZone {
  readonly rrsets: PackedRRsets;
  readonly serial: number;
  /** What the journal tells of it. */
  readonly added: readonly RRset[];
}

/**
 * Rejects with `bad-zone` for what no zone may be, and with `limit` for more than `limit` RRsets. Of a large zone others
 * have their turns meanwhile: what was true before may not be so afterwards.
 */
export async function checkNewZone(
  origin: Name,
  given: Iterable<RRset>,
  limit: number,
): Promise<NewZone> {
  const rrsets = isPacked(given) ? given : packed(origin, given);
  const turns = new Turns();
  let serial: number | undefined;
  let hasNs = false;
  let count = 0;
  for (const pack of rrsets.packs()) {
    const cursor = new PackCursor(pack);
    while (cursor.next()) {
      if (++count > limit) throw tooLarge(origin, limit);
      const { rrtype, ownerLength } = cursor;
      if (rrtype === Type.SOA) serial = readSerial(origin, cursor);
      if (rrtype === Type.NS && ownerLength === 0) hasNs = true;
    }
    await turns.after(count);
  }
  if (serial === undefined) throw badZone(origin, "it has no SOA at its apex");
  if (!hasNs) throw badZone(origin, "it has no NS at its apex");
  return { rrsets, serial, added: count > CREATION_RRSETS ? [] : [...rrsets] };
}

/** The entry that begins its journal. */
export function creationEntry(
  { origin, principal, door, address }: Intent,
  { serial, added }: NewZone,
  when: { readonly sequence: number; readonly timeMs: number },
): JournalEntry {
  const who = { actor: principal.actor, door, address };
  return { origin, fromSerial: serial, toSerial: serial, removed: [], added, ...when, ...who };
}

/** The same RRsets once, each pack put into the table before it is given out. Others have their turns between packs. */
export function loadEach(rrsets: PackedRRsets, loader: ZoneTableLoader): PacksInTurns {
  async function* packs(): AsyncGenerator<RRsetPack> {
    const turns = new Turns();
    let count = 0;
    for (const pack of rrsets.lastPacks?.() ?? rrsets.packs()) {
      count += loader.addPack(pack);
      yield pack;
      await turns.after(count);
    }
  }
  return {
    packs,
    async *[Symbol.asyncIterator]() {
      for await (const pack of packs()) yield* pack;
    },
  };
}

/** Gives others their turn after each slice of a zone. */
class Turns {
  #taken = 0;

  /** `count` are the RRsets gone through so far. */
  async after(count: number): Promise<void> {
    if (count - this.#taken < Limits.zoneSlice) return;
    this.#taken = count;
    await othersTurn();
  }
}

function packed(origin: Name, rrsets: Iterable<RRset>): PackedRRsets {
  return {
    packs: () => packRRsets(origin, inZone(origin, rrsets)),
    [Symbol.iterator]: () => rrsets[Symbol.iterator](),
  };
}

function* inZone(origin: Name, rrsets: Iterable<RRset>): Generator<RRset> {
  for (const rrset of rrsets) {
    const { owner } = rrset;
    if (!isSubdomain(owner, origin)) throw badZone(origin, `${formatName(owner)} is outside it`);
    yield rrset;
  }
}

function readSerial(origin: Name, cursor: PackCursor): number {
  const soa = cursor.rrset();
  if (cursor.ownerLength === 0) return soaSerial(soa);
  throw badZone(origin, `${formatName(soa.owner)} has an SOA below the apex`);
}

function tooLarge(origin: Name, limit: number): WindhoverError {
  const message = `zone ${formatName(origin)} has more than ${limit} RRsets`;
  return new WindhoverError(ErrorCode.limit, message);
}

function badZone(origin: Name, problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badZone, `zone ${formatName(origin)}: ${problem}`);
}

export function zoneExists(origin: Name): WindhoverError {
  const message = `zone ${formatName(origin)} exists already; import into it, or delete it first`;
  return new WindhoverError(ErrorCode.zoneExists, message);
}
