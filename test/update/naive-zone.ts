/**
 * RFC 2136 §3.4.2 read aloud over a plain list of RRs, slow and obvious: what the update path must agree with.
 */
import { equalBytes } from "../../src/base/bytes.ts";
import type { UpdateOperation } from "../../src/update/update-request.ts";
import { equalNames, type Name } from "../../src/wire/name.ts";
import type { RRset } from "../../src/zone/rrset.ts";
import { rrsetText } from "./zone-fixtures.ts";

export interface NaiveRR {
  readonly owner: Name;
  readonly rrtype: number;
  ttl: number;
  rdata: Uint8Array;
}

const NS = 2;
const CNAME = 5;
const SOA = 6;

export function naiveZone(rrsets: readonly RRset[]): NaiveRR[] {
  return rrsets.flatMap(({ owner, rrtype, ttl, rdatas }) =>
    rdatas.map((rdata) => ({ owner, rrtype, ttl, rdata })),
  );
}

export function naiveZoneText(rrs: readonly NaiveRR[]): string[] {
  return rrs.flatMap((rr) => rrsetText({ ...rr, rdatas: [rr.rdata] })).sort();
}

export function applyNaively(
  zone: NaiveRR[],
  origin: Name,
  operations: readonly UpdateOperation[],
): void {
  for (const operation of operations) {
    if (operation.kind === "add") addNaively(zone, origin, operation);
    else if (operation.kind !== "replace") deleteNaively(zone, origin, operation);
  }
}

type Add = Extract<UpdateOperation, { kind: "add" }>;
type Delete = Exclude<UpdateOperation, { kind: "add" } | { kind: "replace" }>;

function addNaively(zone: NaiveRR[], origin: Name, { owner, rrtype, ttl, rdata }: Add): void {
  const here = zone.filter((rr) => equalNames(rr.owner, owner));
  if (rrtype === CNAME && here.some((rr) => rr.rrtype !== CNAME)) return;
  if (rrtype !== CNAME && here.some((rr) => rr.rrtype === CNAME)) return;
  if (rrtype === SOA) {
    const soa = here.find((rr) => rr.rrtype === SOA);
    if (!equalNames(owner, origin) || soa === undefined) return;
    if (((serialOf(rdata) - serialOf(soa.rdata)) | 0) <= 0) return;
  }
  const sameType = here.filter((rr) => rr.rrtype === rrtype);
  for (const rr of sameType) rr.ttl = ttl;
  if (rrtype === CNAME || rrtype === SOA) {
    const [only] = sameType;
    if (only === undefined) zone.push({ owner, rrtype, ttl, rdata });
    else only.rdata = rdata;
    return;
  }
  if (!sameType.some((rr) => equalBytes(rr.rdata, rdata))) zone.push({ owner, rrtype, ttl, rdata });
}

function serialOf(rdata: Uint8Array): number {
  return Buffer.from(rdata).readUInt32BE(rdata.length - 20);
}

function deleteNaively(zone: NaiveRR[], origin: Name, operation: Delete): void {
  const isApex = equalNames(operation.owner, origin);
  for (const rr of [...zone]) {
    if (!equalNames(rr.owner, operation.owner)) continue;
    if (operation.kind !== "delete-name" && rr.rrtype !== operation.rrtype) continue;
    if (operation.kind === "delete-rr" && !equalBytes(rr.rdata, operation.rdata)) continue;
    if (isApex && rr.rrtype === SOA) continue;
    if (isApex && rr.rrtype === NS) {
      const servers = zone.filter((each) => each.rrtype === NS && equalNames(each.owner, origin));
      if (operation.kind !== "delete-rr" || servers.length === 1) continue;
    }
    zone.splice(zone.indexOf(rr), 1);
  }
}
