/**
 * An UPDATE message as the parts of a request, or the rcode that RFC 2136 gives it. TSIG was verified before; what
 * is left of it, if anything, is passed over. Which zones there are, NOTZONE, prerequisites and permission are for
 * the engine, in its order: here is only what the message alone decides.
 */
import { expected, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Class, HEADER_LENGTH, isMetaType, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { findOpt, MALFORMED_OPT, OptOffset } from "../wire/edns.ts";
import { type Question, type ResourceRecord, readQuestion, readRecord } from "../wire/message.ts";
import { HeaderOffset, recordEnd, u16At } from "../wire/message-walk.ts";
import { formatName, type Name } from "../wire/name.ts";
import { canonicalRdata } from "../wire/rdata.ts";
import { MessageReader } from "../wire/reader.ts";
import { className, typeName } from "../wire/rr-types.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { Prerequisite, UpdateOperation } from "./update-request.ts";

/** What an UPDATE asks; who asks is for the caller to add. */
export interface UpdateMessage {
  readonly status: "read";
  readonly origin: Name;
  readonly prerequisites: readonly Prerequisite[];
  readonly operations: readonly UpdateOperation[];
}

/** A section read, or the first refusal in it. */
type Section<T> = readonly T[] | Refusal;

/** Never throws, whatever the bytes are. */
export function readUpdate(message: Uint8Array, length = message.length): UpdateMessage | Refusal {
  try {
    return readSections(message, length);
  } catch (error) {
    return formErr(expected(error, WindhoverError).message);
  }
}

function readSections(message: Uint8Array, length: number): UpdateMessage | Refusal {
  if (length < HEADER_LENGTH) return formErr("the message has no whole header");
  const refused = checkHeader(message);
  if (refused !== undefined) return refused;
  const reader = new MessageReader(message, HEADER_LENGTH, length);
  const zone = readQuestion(reader);
  const badZone = checkZoneSection(zone);
  if (badZone !== undefined) return badZone;
  const prerequisiteCount = u16At(message, HeaderOffset.answers);
  const prerequisites = readSection(reader, prerequisiteCount, readPrerequisite);
  if (isRefusal(prerequisites)) return prerequisites;
  const operationCount = u16At(message, HeaderOffset.authorities);
  const operations = readSection(reader, operationCount, readOperation);
  if (isRefusal(operations)) return operations;
  const badRest = checkAdditionals(message, reader.offset, length);
  if (badRest !== undefined) return badRest;
  return { status: "read", origin: zone.name, prerequisites, operations };
}

/** The counts are bounded before anything is read (RFC 2136 §2.2 names them anew). */
function checkHeader(message: Uint8Array): Refusal | undefined {
  const opcode = (u16At(message, HeaderOffset.flags) >>> 11) & 0xf;
  if (opcode !== Opcode.update) {
    return refuse(Rcode.notImp, "bad-operation", `opcode ${opcode} is not UPDATE`);
  }
  const zones = u16At(message, HeaderOffset.questions);
  if (zones !== 1) return formErr(`the zone section has ${zones} records, not one`);
  const records = u16At(message, HeaderOffset.answers) + u16At(message, HeaderOffset.authorities);
  if (records <= Limits.updateRecords) return undefined;
  const detail = `the update has ${records} records, more than ${Limits.updateRecords}`;
  return refuse(Rcode.refused, "limit", detail);
}

/** RFC 2136 §3.1: the type is SOA; a class that is not ours is a zone that is not ours. */
function checkZoneSection({ name, qtype, qclass }: Question): Refusal | undefined {
  if (qtype !== Type.SOA) return formErr(`the zone section asks ${typeName(qtype)}, not SOA`);
  if (qclass === Class.any || qclass === Class.none) {
    return formErr(`the zone section has class ${className(qclass)}`);
  }
  if (qclass === Class.in) return undefined;
  const detail = `zone ${formatName(name)} of class ${className(qclass)} is not served here`;
  return refuse(Rcode.notAuth, "no-such-zone", detail);
}

function readSection<T extends object>(
  reader: MessageReader,
  count: number,
  readOne: (record: ResourceRecord) => T | Refusal,
): Section<T> {
  const section: T[] = [];
  for (let left = count; left > 0; left--) {
    const one = readOne(readRecord(reader));
    if (isRefusal(one)) return one;
    section.push(one);
  }
  return section;
}

/** RFC 2136 §2.4 and §3.2. */
function readPrerequisite(record: ResourceRecord): Prerequisite | Refusal {
  const { owner, rrtype, rdata } = record;
  if (record.ttl !== 0) return badRecord("prerequisite", record, "has a TTL");
  if (record.class === Class.in) {
    if (isMetaType(rrtype)) return badRecord("prerequisite", record, "has no type of zone data");
    return { kind: "rrset-equals", owner, rrtype, rdata };
  }
  if (record.class !== Class.any && record.class !== Class.none) {
    return badRecord("prerequisite", record, "has a class that means nothing here");
  }
  if (rdata.length > 0) return badRecord("prerequisite", record, "has rdata");
  const isPresent = record.class === Class.any;
  if (rrtype === Type.ANY) return { kind: isPresent ? "name-in-use" : "name-not-in-use", owner };
  if (isMetaType(rrtype)) return badRecord("prerequisite", record, "has no type of zone data");
  return { kind: isPresent ? "rrset-exists" : "rrset-absent", owner, rrtype };
}

/** RFC 2136 §2.5 and §3.4.1. */
function readOperation(record: ResourceRecord): UpdateOperation | Refusal {
  const { owner, rrtype, rdata } = record;
  if (isMetaType(rrtype) && !(rrtype === Type.ANY && record.class === Class.any)) {
    return badRecord("update", record, "has no type of zone data");
  }
  if (record.class === Class.in) {
    return { kind: "add", owner, rrtype, ttl: readTtl(record.ttl), rdata };
  }
  if (record.class !== Class.any && record.class !== Class.none) {
    return badRecord("update", record, "has a class that means nothing here");
  }
  if (record.ttl !== 0) return badRecord("update", record, "deletes and has a TTL");
  if (record.class === Class.none) {
    return { kind: "delete-rr", owner, rrtype, rdata: canonicalRdata(rrtype, rdata) };
  }
  if (rdata.length > 0) return badRecord("update", record, "deletes an RRset and has rdata");
  if (rrtype === Type.ANY) return { kind: "delete-name", owner };
  return { kind: "delete-rrset", owner, rrtype };
}

/** RFC 2181 §8: a TTL with its top bit set is read as zero. */
function readTtl(ttl: number): number {
  return ttl > Limits.ttl ? 0 : ttl;
}

/** The additional section is not used (RFC 2136 §2.6), but it must be whole, and nothing may follow it. */
function checkAdditionals(
  message: Uint8Array,
  offset: number,
  length: number,
): Refusal | undefined {
  const count = u16At(message, HeaderOffset.additionals);
  const opt = findOpt(message, offset, length, count);
  if (opt === MALFORMED_OPT) return formErr("the additional section is malformed");
  let at = offset;
  for (let left = count; left > 0; left--) at = recordEnd(message, at, length);
  if (at !== length) return formErr("the message goes on after its last record");
  const version = opt === 0 ? 0 : (message[opt + OptOffset.version] as number);
  if (version === 0) return undefined;
  return refuse(Rcode.badVers, "bad-operation", `EDNS version ${version} is not known`);
}

function isRefusal(read: object): read is Refusal {
  return "status" in read && read.status === "refused";
}

function badRecord(section: string, { owner, rrtype }: ResourceRecord, problem: string): Refusal {
  return formErr(`${section} ${formatName(owner)} ${typeName(rrtype)} ${problem}`);
}

function formErr(detail: string): Refusal {
  return refuse(Rcode.formErr, "bad-operation", detail);
}
