/**
 * Versions of a zone, and how one leads to the next. A store that lost its newest commits (a failover to a copy that
 * lagged, an old snapshot) and went on counts the same serials and sequences once more for other changes. The mark
 * tells such histories apart: it is a digest of every entry that led to the version, one on top of the other.
 */
import type { RRset } from "../zone/rrset.ts";
import type { JournalEntry, ZoneVersion } from "./store.ts";

/** The same numbers of the same history. */
export function isSameVersion(a: ZoneVersion, b: ZoneVersion): boolean {
  return a.serial === b.serial && a.sequence === b.sequence && markOf(a) === markOf(b);
}

/** The version that `entry` leads to from the version before it. */
export function versionAfter(before: ZoneVersion, entry: JournalEntry): ZoneVersion {
  const { toSerial, sequence } = entry;
  return { serial: toSerial, sequence, mark: nextMark(markOf(before), entry) };
}

/** An entry that begins a zone is no step from one version to another. */
export function isCreation({ fromSerial, toSerial }: JournalEntry): boolean {
  return fromSerial === toSerial;
}

/** 0 where there is none: at the creation of a zone. */
export function markOf({ mark }: ZoneVersion): number {
  return mark ?? 0;
}

/** A version as stores read it back: without a mark that is 0. */
export function storedVersion(serial: number, sequence: number, mark: number): ZoneVersion {
  return mark === 0 ? { serial, sequence } : { serial, sequence, mark };
}

const HIGH = 0x1_0000_0000;
/** Marks are below 2^53, so that they are exact as numbers and as text. */
const HIGH_BITS = 0x1f_ffff;

/** Two multiplicative hashes side by side: to tell accidents apart, not attackers. Never 0. */
function nextMark(mark: number, entry: JournalEntry): number {
  const digest = new Digest(Math.floor(mark / HIGH), mark >>> 0);
  digest.add(entry.fromSerial);
  digest.add(entry.toSerial);
  digest.add(Math.floor(entry.timeMs / HIGH));
  digest.add(entry.timeMs);
  digest.addText(entry.actor);
  digest.addText(entry.door);
  digest.addText(entry.address);
  digest.addRRsets(entry.removed);
  digest.addRRsets(entry.added);
  return digest.mark;
}

class Digest {
  #high: number;
  #low: number;

  constructor(high: number, low: number) {
    this.#high = high ^ 0x9e37_79b1;
    this.#low = low ^ 0x85eb_ca6b;
  }

  get mark(): number {
    const high = this.#high ^ Math.imul(this.#low ^ (this.#low >>> 15), 0x735a_2d97);
    const low = this.#low ^ Math.imul(this.#high ^ (this.#high >>> 13), 0xcaf6_49a9);
    return ((high >>> 0) & HIGH_BITS) * HIGH + (low >>> 0) || 1;
  }

  add(value: number): void {
    this.#high = Math.imul((this.#high ^ value ^ (this.#high >>> 16)) | 0, 0x85eb_ca77);
    this.#low = Math.imul((this.#low ^ value ^ (this.#low >>> 13)) | 0, 0xc2b2_ae3d);
  }

  addText(text: string): void {
    this.add(text.length);
    for (let at = 0; at < text.length; at++) this.add(text.charCodeAt(at));
  }

  addBytes(bytes: Uint8Array): void {
    this.add(bytes.length);
    for (let at = 0; at < bytes.length; at++) this.add(bytes[at] as number);
  }

  addRRsets(rrsets: readonly RRset[]): void {
    this.add(rrsets.length);
    for (const { owner, rrtype, ttl, rdatas } of rrsets) {
      this.addBytes(owner);
      this.add(rrtype);
      this.add(ttl);
      for (const rdata of rdatas) this.addBytes(rdata);
    }
  }
}
