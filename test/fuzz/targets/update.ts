/**
 * Updates of who may change the whole zone: read or refused, and what is accepted harms nothing that comes later:
 * responses, transfers, the journal, the store, the zone file.
 */

import { createAnswerQuery } from "../../../src/answer/answer-query.ts";
import { defaultAnswerSettings } from "../../../src/answer/answer-settings.ts";
import { fullTransfer, writeTransfer } from "../../../src/answer/transfer.ts";
import { counterRow, createCounterMemory } from "../../../src/base/counters.ts";
import { Limits } from "../../../src/base/limits.ts";
import { readJournalRecord, writeJournalRecord } from "../../../src/store/journal-record.ts";
import {
  readRRsetKey,
  readRRsetValue,
  writeRRsetKey,
  writeRRsetValue,
} from "../../../src/store/rrset-record.ts";
import type { ZoneCommit } from "../../../src/store/store.ts";
import { createTableMemory } from "../../../src/table/table-memory.ts";
import { TableReader } from "../../../src/table/table-reader.ts";
import { TableWriter } from "../../../src/table/table-writer.ts";
import { CommitDraft } from "../../../src/update/commit-draft.ts";
import { changeOfRequest } from "../../../src/update/judge-change.ts";
import { readUpdate, type UpdateMessage } from "../../../src/update/read-update.ts";
import { refuse } from "../../../src/update/refusal.ts";
import type { UpdateRequest, Verdict } from "../../../src/update/update-request.ts";
import {
  UPDATE_RESPONSE_LENGTH,
  writeUpdateResponse,
} from "../../../src/update/write-update-response.ts";
import { Opcode, Rcode, Type } from "../../../src/wire/code-points.ts";
import { makeQuery, readMessage } from "../../../src/wire/message.ts";
import { equalNames, formatName, type Name, nameKey } from "../../../src/wire/name.ts";
import { typeName } from "../../../src/wire/rr-types.ts";
import { equalRRsets, makeRRset, type RRset } from "../../../src/zone/rrset.ts";
import { checkZone } from "../../../src/zone/zone-checks.ts";
import { parseZoneFile } from "../../../src/zone/zone-file.ts";
import { formatZone } from "../../../src/zone/zone-file-writer.ts";
import { ZoneMap } from "../../../src/zone/zone-map.ts";
import type { ZoneView } from "../../../src/zone/zone-view.ts";
import { clientOf } from "../../scenarios/scenario-server.ts";
import { standingClock } from "../../update/fakes.ts";
import { hostileZone, NOW_SECONDS, ORIGIN, ZONE_OWNER } from "../hostile-zone.ts";
import { mutatePacket } from "../packet-mutator.ts";
import { goldenPackets, updates, write } from "../seed-messages.ts";
import { type FuzzTarget, must } from "../target.ts";
import { checkResponse } from "./check-response.ts";

const TABLE_BYTES = 2 * 1024 * 1024;
const VERSION = { serial: 1, sequence: 1 };
const PLACE = "fuzz";
const FIRST = hostileZone();
/** What the engine says of a zone that it does not have. */
const NOT_HERE = refuse(Rcode.notAuth, "no-such-zone", "");

export const updateTarget: FuzzTarget = {
  name: "update",
  seeds: [...updates(), ...goldenUpdates()],
  mutate: mutatePacket,
  check(input) {
    const read = readUpdate(input, input.length);
    const verdict = read.status === "refused" ? read : apply(read);
    if (
      input.length < 12 ||
      ((input[2] as number) & 0x80) !== 0 ||
      opcodeOf(input) !== Opcode.update
    )
      return;
    const response = new Uint8Array(UPDATE_RESPONSE_LENGTH);
    const length = writeUpdateResponse(input, input.length, verdict, response);
    checkResponse(input, response.slice(0, length));
  },
};

function goldenUpdates(): Uint8Array[] {
  return goldenPackets()
    .map(({ bytes }) => bytes)
    .filter((bytes) => opcodeOf(bytes) === Opcode.update);
}

function opcodeOf(bytes: Uint8Array): number {
  return ((bytes[2] as number) >> 3) & 15;
}

function apply({ origin, prerequisites, operations }: UpdateMessage): Verdict {
  const door = "rfc2136";
  const request: UpdateRequest = {
    origin,
    prerequisites,
    operations,
    principal: ZONE_OWNER,
    door,
    address: "",
  };
  if (!equalNames(origin, ORIGIN)) return NOT_HERE;
  const before = new ZoneMap(ORIGIN, FIRST);
  const room = { rrsets: Infinity, bytes: Infinity };
  const draft = new CommitDraft(
    { view: before, version: VERSION, room },
    {
      clock: { nowMs: () => NOW_SECONDS * 1000 },
      onFault: (_, error) => {
        throw error;
      },
    },
  );
  draft.add(changeOfRequest(request));
  if (!draft.changesNothing) checkAccepted(draft.commit());
  return draft.verdicts[0] as Verdict;
}

function checkAccepted(commit: ZoneCommit): void {
  const memory = createTableMemory(TABLE_BYTES);
  const writer = new TableWriter(memory);
  const loader = writer.beginZone(ORIGIN);
  for (const rrset of FIRST) loader.add(rrset);
  loader.publish();
  writer.publish(ORIGIN, commit.changes);
  const view = writer.view(ORIGIN) as ZoneView;
  const findings = [...checkZone(view)].filter(({ severity }) => severity === "error");
  must(findings.length === 0, `the zone is wrong now: ${findings[0]?.message}`);
  checkStored(commit);
  checkQueries(commit, new TableReader(memory, 0));
  checkTransfer(view);
  checkZoneFile(view);
}

function checkStored({ entries, changes }: ZoneCommit): void {
  for (const { owner, rrtype, rrset } of changes) {
    if (rrset === undefined) continue;
    const key = readRRsetKey(writeRRsetKey(owner, rrtype, ORIGIN), 0, ORIGIN, PLACE);
    const again = readRRsetValue(writeRRsetValue(rrset), key, PLACE);
    must(equalRRsets(again, rrset), `stored ${describeSet(rrset)} is another`);
  }
  for (const entry of entries) {
    const again = readJournalRecord(writeJournalRecord(entry), ORIGIN, entry.sequence, PLACE);
    must(again.added.length === entry.added.length, "the journal has lost something");
    must(again.removed.length === entry.removed.length, "the journal has lost something");
  }
}

/** Every RRset that was touched, and its owner with type ANY, over both transports. */
function checkQueries({ changes }: ZoneCommit, reader: TableReader): void {
  const counters = counterRow(createCounterMemory(1), 0);
  const settings = defaultAnswerSettings;
  const answer = createAnswerQuery({ reader, counters, settings, clock: standingClock });
  for (const { owner, rrtype } of changes.slice(0, 20)) {
    for (const qtype of [rrtype, Type.ANY, Type.A]) {
      const query = write(makeQuery({ id: 7, name: owner, qtype }));
      for (const transport of ["udp", "tcp"] as const) {
        const room = transport === "udp" ? Limits.udpPayload : Limits.messageLength;
        const response = new Uint8Array(room);
        const length = answer(query, query.length, clientOf(transport), response);
        must(length > 0, `${formatName(owner)} ${typeName(qtype)} got ${length}`);
        checkResponse(query, response.slice(0, length));
      }
    }
  }
}

function checkTransfer(view: ZoneView): void {
  const query = write(makeQuery({ id: 8, name: ORIGIN, qtype: Type.AXFR }));
  const envelope = {
    query,
    length: query.length,
    capacity: Limits.transferMessage,
    reserved: 0,
    isPadded: false,
    finish: ({ length }: { length: number }) => length,
  };
  let records = 0;
  for (const message of writeTransfer(fullTransfer(view), envelope)) {
    records += readMessage(message.slice()).answers.length;
  }
  let expected = 1;
  for (const rrset of rrsetsOf(view)) expected += rrset.rdatas.length;
  must(records === expected, `the transfer has ${records} records, the zone ${expected}`);
}

function checkZoneFile(view: ZoneView): void {
  const chunks = [Buffer.from([...formatZone(view)].join(""))];
  const again = new Map<
    string,
    { owner: Name; rrtype: number; ttl: number; rdatas: Uint8Array[] }
  >();
  for (const { owner, rrtype, ttl, rdata } of parseZoneFile({
    chunks,
    file: PLACE,
    origin: ORIGIN,
  })) {
    const key = `${rrtype} ${nameKey(owner)}`;
    const known = again.get(key) ?? { owner, rrtype, ttl, rdatas: [] };
    known.rdatas.push(rdata);
    again.set(key, known);
  }
  let rrsets = 0;
  for (const rrset of rrsetsOf(view)) {
    rrsets++;
    const read = again.get(`${rrset.rrtype} ${nameKey(rrset.owner)}`);
    const isSame =
      read !== undefined &&
      equalRRsets(makeRRset(read.owner, read.rrtype, read.ttl, read.rdatas), rrset);
    must(isSame, `${describeSet(rrset)} is read otherwise from the zone file`);
  }
  must(rrsets === again.size, "the zone file has other RRsets");
}

function* rrsetsOf(view: ZoneView): Generator<RRset> {
  for (const owner of view.owners()) yield* view.rrsets(owner);
}

function describeSet({ owner, rrtype }: RRset): string {
  return `${formatName(owner)} ${typeName(rrtype)}`;
}
